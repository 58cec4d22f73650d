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
})
