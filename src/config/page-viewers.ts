/** Reporters that print or write text: none of them shows an attachment. */
const TEXT_REPORTERS = [
  'agent',
  'default',
  'dot',
  'github-actions',
  'hanging-process',
  'json',
  'junit',
  'minimal',
  'perf',
  'tap',
  'tap-flat',
  'tree',
  'verbose',
]

/**
 * Whether attachments of this run can be seen: in Vitest's UI, in its HTML report (also one that is made later from blobs), or
 * in an editor, whose extensions bring reporters of their own.
 */
export function showsAttachments(
  { ui, reporters }: { readonly ui?: boolean | undefined; readonly reporters: readonly unknown[] },
  ownReporter: string,
): boolean {
  const isText = (reporter: unknown) =>
    typeof reporter === 'string' && (TEXT_REPORTERS.includes(reporter) || reporter === ownReporter)
  const names = reporters.map((reporter) => (Array.isArray(reporter) ? (reporter[0] as unknown) : reporter))
  return ui === true || !names.every(isText)
}
