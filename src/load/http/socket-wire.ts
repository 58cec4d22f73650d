import net, { type LookupFunction } from 'node:net'
import tls from 'node:tls'
import type { Target } from './target.ts'
import type { Line, LineEvents, Wire } from './wire.ts'

/** All plain sockets of the process read into one buffer: a chunk is used up before the next is read. */
const readBuffer = Buffer.allocUnsafeSlow(65_536)

/** Plain and TLS sockets. A name is looked up once, not for every connection, until connecting to the address fails. */
export class SocketWire implements Wire {
  readonly #addresses = new Map<string, string>()

  connect(target: Target, events: LineEvents): Line {
    const key = `${target.host}:${target.port}`
    const destination = destinationOf(target, this.#addresses.get(key))
    const socket = target.secure ? connectSecurely(target, destination, events) : connectPlainly(destination, events)
    let opened = false
    const forget = () => {
      if (!opened) this.#addresses.delete(key)
    }
    const end = () => {
      forget()
      events.onEnd()
    }
    socket.setNoDelay(true)
    socket.once(target.secure ? 'secureConnect' : 'connect', () => {
      opened = true
      if (socket.remoteAddress !== undefined) this.#addresses.set(key, socket.remoteAddress)
      events.onOpen()
    })
    socket.on('error', (error) => {
      forget()
      events.onError(error)
    })
    return socket.on('end', end).on('close', end)
  }
}

/** `localhost` is tried on both families, whatever the machine's own table says: a server may be bound to either. */
export function destinationOf({ host, port }: Target, address: string | undefined) {
  if (host !== 'localhost' || address !== undefined) return { host: address ?? host, port }
  const lookup: LookupFunction = (_name, _options, found) =>
    found(null, [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ])
  return { host, port, lookup, autoSelectFamily: true }
}

type Destination = ReturnType<typeof destinationOf>

function connectSecurely({ host, tls: options }: Target, destination: Destination, events: LineEvents): net.Socket {
  const servername = options.servername ?? (net.isIP(host) === 0 ? host : undefined)
  const socket = tls.connect({
    ...destination,
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: options.rejectUnauthorized ?? true,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(servername === undefined ? {} : { servername }),
  })
  return socket.on('data', (chunk: Buffer) => events.onData(chunk, chunk.length))
}

function connectPlainly(destination: Destination, events: LineEvents): net.Socket {
  const callback = (length: number) => {
    events.onData(readBuffer, length)
    return true
  }
  return net.connect({ ...destination, onread: { buffer: readBuffer, callback } })
}
