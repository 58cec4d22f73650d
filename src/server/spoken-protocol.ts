import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { clearTimeout, setTimeout } from '../lifecycle/real-timers.ts'

/** What a port turns out to speak that did not answer HTTP/1.1 as it was asked. */
export type SpokenProtocol = 'https' | 'http/2 over TLS' | 'http/2 without TLS'

/** Milliseconds for one look, of which there are three. */
const LIMIT = 1_500

interface LookOptions {
  /** Milliseconds for all looks together. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}
const H2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')
const SETTINGS_FRAME = 4

/** Runs one look on a socket; `undefined` when it fails, or says nothing within the limit. */
function look<Found>(
  socket: Socket,
  event: string,
  read: (...given: unknown[]) => Found,
  { timeout, signal }: LookOptions,
): Promise<Found | undefined> {
  return new Promise((resolve) => {
    const settle = (found: Found | undefined) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', giveUp)
      socket.destroy()
      resolve(found)
    }
    const giveUp = () => settle(undefined)
    const timer = setTimeout(giveUp, Math.min(LIMIT, timeout / 3))
    signal?.addEventListener('abort', giveUp, { once: true })
    if (signal?.aborted) giveUp()
    socket.once(event, (...given: unknown[]) => settle(read(...given)))
    socket.once('close', giveUp)
    socket.on('error', giveUp)
  })
}

function speaksTls(host: string, port: number, alpn: string, options: LookOptions) {
  // Only whether there is a handshake matters here; who is behind it is the health check's business.
  const socket = connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: [alpn] })
  return look(socket, 'secureConnect', () => true, options)
}

function speaksH2c(host: string, port: number, options: LookOptions) {
  const socket = connect({ host, port })
  socket.write(H2_PREFACE)
  return look(socket, 'data', (chunk) => (chunk as Buffer)[3] === SETTINGS_FRAME, options)
}

/** Finds out what a port speaks that is not plain HTTP/1.1. Takes 4.5 s at most, and never rejects. */
export async function findSpokenProtocol(
  host: string,
  port: number,
  options: LookOptions,
): Promise<SpokenProtocol | undefined> {
  if (await speaksTls(host, port, 'http/1.1', options)) return 'https'
  if (await speaksTls(host, port, 'h2', options)) return 'http/2 over TLS'
  return (await speaksH2c(host, port, options)) ? 'http/2 without TLS' : undefined
}
