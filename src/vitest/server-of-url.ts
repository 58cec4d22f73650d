import { URL } from 'node:url'
import { isSameServer } from '../server-url.ts'

/** The servers of a test: its own one, and all that it uses. */
interface TestServers<S> {
  readonly server: S | undefined
  readonly servers: readonly S[]
}

/** The server of a test that a load's `url` goes to. A path, or none, goes to the test's own server. */
export function serverOfUrl<S extends { readonly url: string }>(
  url: string | undefined,
  { server, servers }: TestServers<S>,
): S | undefined {
  if (url === undefined || !URL.canParse(url)) return server
  return [server, ...servers].find((known) => known !== undefined && isSameServer(known.url, url))
}
