import { URL } from 'node:url'

/** The target of a test that says nothing and has no server. */
export const FALLBACK_URL = 'http://127.0.0.1:3000'

const ABSOLUTE = "an absolute http(s) URL, such as 'http://127.0.0.1:3000'"

/** An absolute http(s) URL; `undefined` for everything else, also for `localhost:3000`, whose protocol is `localhost:`. */
export function parseServerUrl(url: unknown): URL | undefined {
  if (typeof url !== 'string' || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return undefined
  return new URL(url)
}

/** What was expected in place of `url`, if it cannot be the base of paths. */
export function findBaseUrlProblem(url: unknown): string | undefined {
  return parseServerUrl(url) === undefined ? ABSOLUTE : undefined
}

/** The URL that paths are appended to: without the slashes at its end, and without a query or a fragment. */
export function baseUrlOf(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/\/+$/, '')
}

/** Where a URL of a server may come from, in the order in which one wins. */
export interface BaseUrlSources {
  /** What the caller gave. */
  readonly url?: string | undefined
  /** `Settings.serverUrl`. */
  readonly setting?: string | undefined
  /** URL of the test's `server`. */
  readonly server?: string | undefined
}

/** The one rule that decides a server's URL: the caller's, the environment's, the test's server, then `FALLBACK_URL`. */
export function chooseBaseUrl({ url, setting, server }: BaseUrlSources): string {
  return baseUrlOf(url ?? setting ?? server ?? FALLBACK_URL)
}

/** A host as it stands in a URL: IPv6 in brackets. */
export function hostInUrl(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}

/** A host without the brackets that IPv6 has in a URL. */
export function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

/** The address that a client dials for a host that a server binds: a wildcard is no destination. */
export function dialHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' || host === '[::]' ? '::1' : host
}

/** Whether a host is this machine itself. */
export function isLoopback(hostname: string): boolean {
  const bare = bareHost(hostname).toLowerCase()
  return bare === 'localhost' || bare === '::1' || /^127(\.\d+){3}$/.test(bare)
}

/** Whether two URLs are of one server: the same origin, or the same port of this machine. */
export function isSameServer(one: string, other: string): boolean {
  const [a, b] = [new URL(one), new URL(other)]
  return a.origin === b.origin || (a.port === b.port && isLoopback(a.hostname) && isLoopback(b.hostname))
}
