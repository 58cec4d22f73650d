/** What a resource answered to either method; `undefined` for no answer. */
export interface HttpStatuses {
  readonly resource: string
  readonly head: number | undefined
  readonly get: number | undefined
}

function isGood(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300
}

/**
 * Says what an `http:` resource of wait-on answers instead of 2xx. `isSteady`: it will not change, since GET is answered well
 * and HEAD, which wait-on asks with, is not. `undefined` where HEAD is answered well or not at all. Pure.
 */
export function describeRefusal({
  resource,
  head,
  get,
}: HttpStatuses): { text: string; isSteady: boolean } | undefined {
  if (head === undefined || isGood(head)) return undefined
  const answer = `${resource} answered HEAD with ${head}`
  if (!isGood(get)) return { text: `${answer}${get === undefined ? '' : ` and GET with ${get}`}.`, isSteady: false }
  const instead = resource.replace(/^(https?):/, '$1-get:')
  return {
    text: `${answer}, and GET with ${get}. wait-on asks an \`http:\` resource with HEAD: write \`${instead}\`.`,
    isSteady: true,
  }
}
