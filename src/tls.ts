import { isLoopback } from './server-url.ts'

/** How a server's certificate is checked. */
export interface TlsOptions {
  /** Certificates to trust, in PEM, in place of the well-known ones. */
  ca?: string
  /** `false` accepts any certificate. Default: true, and `false` for a host on loopback where `ca` is not given either. */
  rejectUnauthorized?: boolean
  /** The name to ask for and to verify, where it is not the URL's host. */
  servername?: string
}

/** The options with their default in place: a server under test on this machine mostly has a certificate of its own. */
export function tlsFor(hostname: string, tls: TlsOptions = {}): TlsOptions & { rejectUnauthorized: boolean } {
  return { ...tls, rejectUnauthorized: tls.rejectUnauthorized ?? (tls.ca !== undefined || !isLoopback(hostname)) }
}

/** What a TLS handshake failed for, and will fail for again. */
export type TlsFault = 'plain HTTP' | 'untrusted certificate' | 'client certificate'

const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|ALTNAME/

/** The fault that an error of a TLS connection tells of, by its code and its message: OpenSSL's own words are for its authors. */
export function tlsFaultOf(code: string, message: string): TlsFault | undefined {
  if (/wrong version number|packet length too long/i.test(message)) return 'plain HTTP'
  if (/certificate required|alert bad certificate/i.test(message)) return 'client certificate'
  return UNTRUSTED.test(code) && !/ALERT/.test(code) ? 'untrusted certificate' : undefined
}
