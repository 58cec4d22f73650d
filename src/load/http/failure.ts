import { tlsFaultOf } from '../../tls.ts'
import type { LoadErrorKind } from '../../results/load-result.ts'

const KINDS: Readonly<Record<string, LoadErrorKind>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  ETIMEDOUT: 'timeout',
  EPROTO: 'tls',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
  UNABLE_TO_GET_ISSUER_CERT: 'tls',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  HOSTNAME_MISMATCH: 'tls',
}

/** Codes that say that this machine, not the server, has run out of something. */
const OWN_LIMITS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM'])

/** Where a connection was lost. A server that has begun to answer speaks HTTP. */
export const IN_ANSWER = 'in the middle of an answer'

export interface Failure {
  readonly kind: LoadErrorKind
  readonly message: string
  /** Whether this machine, and not the server, was the limit. */
  readonly ownLimit?: boolean
}

/** Returns the kind of a socket's error, and its message. */
export function failureOf(error: unknown): Failure {
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error
  const { code, message } = inner as { code?: unknown; message?: unknown }
  const text = String(message ?? inner).trim() || String(code ?? 'unknown error')
  if (typeof code !== 'string') return { kind: 'other', message: text }
  const kind = KINDS[code] ?? (/^(ERR_TLS|ERR_SSL|CERT_|ERR_OSSL)/.test(code) ? 'tls' : 'other')
  return {
    kind,
    message: kind === 'tls' ? describeTls(code, text) : text,
    ...(OWN_LIMITS.has(code) ? { ownLimit: true } : {}),
  }
}

/** OpenSSL writes `C09C0E49:error:0A0000C6:SSL routines:tls_get_more_records:packet length too long:../deps/…:662:`. */
const OPENSSL = /:SSL routines:[^:]*:([^:]+):/

function describeTls(code: string, message: string): string {
  const fault = tlsFaultOf(code, message)
  if (fault === 'plain HTTP') return 'the server does not speak TLS: is it plain HTTP?'
  if (fault === 'client certificate') return 'the server wants a certificate of its client, and loads have none'
  if (/no application protocol/i.test(message)) return "the server offers no HTTP/1.1 over TLS: set `protocol: 'h2'`"
  const reason = OPENSSL.exec(message)?.[1]
  return reason ? `TLS failed: ${reason} (${code})` : message
}
