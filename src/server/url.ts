import { optionIssue, rejectIssues } from '../option-issues.ts'

/** Where `resolveServerUrl` looks after its argument. */
export interface ServerUrlContext {
  /** URL of the test's `server`. */
  server?: string | undefined
  env?: NodeJS.ProcessEnv
}

export const FALLBACK_URL = 'http://127.0.0.1:3000'

/** An absolute http(s) URL; `undefined` for everything else, also for `localhost:3000`, whose protocol is `localhost:`. */
export function parseServerUrl(url: unknown): URL | undefined {
  if (typeof url !== 'string' || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return undefined
  return new URL(url)
}

/** Without the slashes at its end, and without a query or fragment, which a base for paths cannot have. */
export function stripTrailingSlashes(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/\/+$/, '')
}

/** A host as it stands in a URL: IPv6 in brackets. */
export function hostInUrl(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}

/** The address that a client dials for a host that a server binds: a wildcard is no destination. */
export function dialHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' || host === '[::]' ? '::1' : host
}

/**
 * The one place that decides a URL: the argument, `VITEST_PERF_SERVER_URL`, the test's `server`, then
 * `http://127.0.0.1:3000`. No trailing slash.
 *
 * @throws {PerfOptionsError} for a URL that is none.
 */
export function resolveServerUrl(url?: string, context: ServerUrlContext = {}): string {
  const fromEnvironment = (context.env ?? process.env).VITEST_PERF_SERVER_URL || undefined
  const candidates: [name: string, value: string | undefined][] = [
    ['url', url],
    ['VITEST_PERF_SERVER_URL', fromEnvironment],
    ['server.url', context.server],
  ]
  const [name, value] = candidates.find(([, candidate]) => candidate !== undefined) ?? ['url', FALLBACK_URL]
  if (parseServerUrl(value) === undefined) {
    rejectIssues('server URL', [optionIssue(name, "an absolute http(s) URL, such as 'http://127.0.0.1:3000'", value)])
  }
  return stripTrailingSlashes(value ?? FALLBACK_URL)
}
