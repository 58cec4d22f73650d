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
