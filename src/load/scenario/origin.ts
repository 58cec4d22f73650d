import type { LoadTls } from '../plan/load-options.ts'
import type { Target } from '../http/target.ts'
import type { Wire } from '../http/wire.ts'

/** A server that virtual users talk to, by protocol, host and port. All users of a load share it. */
export interface Origin extends Target {
  /** As a browser writes it: `http://127.0.0.1:3000`. */
  readonly origin: string
  /** Host and port, as in the header `Host`. */
  readonly authority: string
  /** Connects to it. All users share one look-up of its name. */
  readonly wire: Wire
}

export function originOf(url: URL, tls: LoadTls, timeout: number, wire: Wire): Origin {
  const secure = url.protocol === 'https:'
  return {
    origin: url.origin,
    authority: url.host,
    wire,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    secure,
    tls,
    pipelining: 1,
    timeout,
  }
}
