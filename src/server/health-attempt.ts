import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, type LookupFunction } from 'node:net'
import { tlsFor, type TlsOptions } from '../tls.ts'
import { clearTimeout, readClock, setTimeout } from '../lifecycle/real-timers.ts'

/** What one attempt found: an answer, or why there was none. */
export type AttemptOutcome =
  | { readonly kind: 'answer'; readonly status: number; readonly latency: number; readonly body: string }
  | { readonly kind: 'open'; readonly latency: number }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'failure'; readonly code: string; readonly message: string }

export interface AttemptOptions {
  /** Milliseconds for the whole attempt. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
  readonly tls?: TlsOptions | undefined
}

/** Characters of a body that are kept, to be quoted. */
const QUOTED = 200
/** Characters that are read for that: of a page in HTML most are markup. */
const LOOKED_AT = 4_000

/** The body of a health answer is of no interest, but to cut it off would make some servers report an error. */
const BODY_TIMEOUT = 250
const BODY_LIMIT = 64 * 1024

/** Addresses to try for a host: a server on `localhost` may have bound either family. */
export function addressesOf(hostname: string): readonly (string | undefined)[] {
  return hostname.toLowerCase() === 'localhost' ? ['127.0.0.1', '::1'] : [undefined]
}

function fixedLookup(address: string): LookupFunction {
  const family = address.includes(':') ? 6 : 4
  return (_hostname, options, callback) => {
    if (options.all) callback(null, [{ address, family }])
    else callback(null, address, family)
  }
}

/** Reads the body to its end, within bounds, and hands on what can be quoted of it. */
function drain(response: IncomingMessage, done: (beginning: string) => void): void {
  let received = 0
  let beginning = ''
  const timer = setTimeout(() => response.destroy(), BODY_TIMEOUT)
  response.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (beginning.length < LOOKED_AT) beginning = (beginning + chunk.toString('utf8')).slice(0, LOOKED_AT)
    if (received > BODY_LIMIT) response.destroy()
  })
  response.on('error', () => {})
  response.once('close', () => {
    clearTimeout(timer)
    done(quotable(beginning))
  })
}

/** The text of a body as an error quotes it: of an HTML page its words. */
export function quotable(body: string): string {
  const isPage = /^\s*<(!doctype html|html)/i.test(body)
  const text = isPage
    ? body.replace(/<(style|script)\b[^]*?(<\/\1>|$)|<!--[^]*?-->|<[^>]*>?/gi, ' ').replace(/\s+/g, ' ')
    : body
  return text.trim().slice(0, QUOTED)
}

function failure(error: unknown): AttemptOutcome {
  const { code, message } = error as NodeJS.ErrnoException
  return { kind: 'failure', code: code ?? 'ERROR', message }
}

/** One GET on a connection of its own, blind to proxy variables. Never rejects; holds nothing when it resolves. */
export function tryHttp(url: URL, address: string | undefined, options: AttemptOptions): Promise<AttemptOutcome> {
  const { timeout, signal } = options
  if (signal?.aborted) return Promise.resolve({ kind: 'aborted' })
  return new Promise((resolve) => {
    const started = readClock()
    let outcome: AttemptOutcome | undefined
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      method: 'GET',
      agent: false,
      headers: { 'user-agent': 'vitest-plugin-perf', accept: '*/*' },
      ...tlsFor(url.hostname, options.tls),
      ...(address && { lookup: fixedLookup(address) }),
    })
    const settle = (found: AttemptOutcome) => {
      outcome ??= found
    }
    const cut = (found: AttemptOutcome) => {
      settle(found)
      request.destroy()
    }
    const timer = setTimeout(() => cut({ kind: 'timeout' }), timeout)
    const onAbort = () => cut({ kind: 'aborted' })
    signal?.addEventListener('abort', onAbort, { once: true })
    request.once('response', (response) => {
      const answer = { kind: 'answer', status: response.statusCode ?? 0, latency: readClock() - started } as const
      settle({ ...answer, body: '' })
      drain(response, (beginning) => {
        if (outcome?.kind === 'answer') outcome = { ...answer, body: beginning }
        request.destroy()
      })
    })
    request.on('error', (error) => settle(failure(error)))
    request.once('close', () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      resolve(
        outcome ?? { kind: 'failure', code: 'ECONNRESET', message: 'the connection was closed without an answer' },
      )
    })
    request.end()
  })
}

/** Whether a port accepts a connection. Never rejects; holds nothing when it resolves. */
export function tryTcp(host: string, port: number, options: AttemptOptions): Promise<AttemptOutcome> {
  const { timeout, signal } = options
  if (signal?.aborted) return Promise.resolve({ kind: 'aborted' })
  return new Promise((resolve) => {
    const started = readClock()
    const socket = connect({ host, port })
    const settle = (outcome: AttemptOutcome) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => settle({ kind: 'timeout' }), timeout)
    const onAbort = () => settle({ kind: 'aborted' })
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', () => settle({ kind: 'open', latency: readClock() - started }))
    socket.on('error', (error) => settle(failure(error)))
  })
}
