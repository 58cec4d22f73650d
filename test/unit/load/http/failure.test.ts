import { describe, expect, it } from 'vitest'
import { failureOf } from '../../../../src/load/http/failure.ts'

describe('failureOf', () => {
  it.for([
    ['ECONNREFUSED', 'refused'],
    ['ECONNRESET', 'reset'],
    ['EPIPE', 'reset'],
    ['ENOTFOUND', 'dns'],
    ['EAI_AGAIN', 'dns'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['EPROTO', 'tls'],
    ['ETIMEDOUT', 'timeout'],
  ] as const)('%s is %s', ([code, kind]) => {
    expect(failureOf(Object.assign(new Error('why'), { code }))).toEqual({ kind, message: 'why' })
  })

  it('tells what this machine has run out of from what the server does', () => {
    const failure = failureOf(Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' }))
    expect(failure).toEqual({ kind: 'other', message: 'connect EMFILE', ownLimit: true })
  })

  it('looks into an error of several addresses, and takes anything', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:3000'), { code: 'ECONNREFUSED' })
    expect(failureOf(new AggregateError([refused, refused]))).toEqual({ kind: 'refused', message: refused.message })
    expect(failureOf(new Error('of OpenSSL:\n')).message).toBe('of OpenSSL:')
    expect(failureOf('odd')).toEqual({ kind: 'other', message: 'odd' })
  })

  // As Node 20 and 24 write them.
  it.for([
    ['EPROTO', 'packet length too long', 'the server does not speak TLS: is it plain HTTP?'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'wrong version number', 'the server does not speak TLS: is it plain HTTP?'],
    [
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      'tlsv13 alert certificate required',
      'the server wants a certificate of its client, and loads have none',
    ],
    [
      'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
      'tlsv1 alert no application protocol',
      "the server offers no HTTP/1.1 over TLS: set `protocol: 'h2'`",
    ],
    [
      'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
      'sslv3 alert handshake failure',
      'TLS failed: sslv3 alert handshake failure (ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE)',
    ],
  ] as const)('puts %s into words of its own', ([code, reason, message]) => {
    const text = `C09C0E49EF7F0000:error:0A0000C6:SSL routines:tls_get_more_records:${reason}:../deps/openssl/openssl/ssl/record/methods/tls_common.c:662:\n`
    expect(failureOf(Object.assign(new Error(text), { code }))).toEqual({ kind: 'tls', message })
  })
})
