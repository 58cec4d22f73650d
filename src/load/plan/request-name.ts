import { URL } from 'node:url'
import type { LoadOptions, LoadRequest } from './load-options.ts'
import { LOAD_DEFAULTS } from './load-defaults.ts'

type Named = Pick<LoadOptions, 'url' | 'method'>

/** The name of a request in `byName`: its `name`, else its method and path as written. */
export function nameOfRequest({ name, method, path }: LoadRequest, load: Named): string {
  return name ?? `${(method ?? load.method ?? LOAD_DEFAULTS.method).toUpperCase()} ${path ?? writtenPath(load.url)}`
}

function writtenPath(url: string | undefined): string {
  if (url === undefined || url.startsWith('/')) return url ?? '/'
  if (!URL.canParse(url)) return url
  const { pathname, search } = new URL(url)
  return `${pathname}${search}`
}

/** The names that the result of a load will have, for options that hold no mistake. */
export function plannedNames(options: LoadOptions): { byName: string[]; checks: string[] } {
  const requests = options.requests ?? [{}]
  const names = (list: readonly LoadRequest[]) => [...new Set(list.map((request) => nameOfRequest(request, options)))]
  return { byName: names(requests), checks: names(requests.filter(({ check }) => check !== undefined)) }
}
