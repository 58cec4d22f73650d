import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'
import { clearInterval, setInterval } from '../lifecycle/real-timers.ts'
import type { OpenCall } from './wait-recorder.ts'

interface SocketEvents {
  /** Whether a library tells of its calls to this port: its sockets need not be watched. */
  isTold(port: number): boolean
  begin(what: string): OpenCall
  end(call: OpenCall, failed: boolean): void
}

type Client = Socket & { server?: unknown; _httpMessage?: unknown }

const CREATED = 'net.client.socket'
/** Milliseconds until sockets are looked for that were made without that message: `new Socket().connect()`, as pg does. */
const SEARCH_INTERVAL = 250

/**
 * Times what goes over sockets whose library publishes no channel: a call begins with the first write and ends with the first
 * data after it. While it records, two methods of each such socket stand in front of the real ones; afterwards they are gone.
 */
export class SocketWaits {
  readonly #events: SocketEvents
  readonly #watched = new Map<Client, () => void>()
  #timer: NodeJS.Timeout | undefined
  readonly #onCreated = (message: unknown): void => this.#watch((message as { socket: Client }).socket)

  constructor(events: SocketEvents) {
    this.#events = events
  }

  start(): void {
    subscribe(CREATED, this.#onCreated)
    // Pools have opened theirs long ago.
    this.#search()
    this.#timer = setInterval(() => this.#search(), SEARCH_INTERVAL).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    unsubscribe(CREATED, this.#onCreated)
    for (const release of this.#watched.values()) release()
    this.#watched.clear()
  }

  #search(): void {
    const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles?: () => unknown[] }
    for (const handle of handles?.call(process) ?? []) {
      if (!(handle instanceof Socket) || !isClient(handle)) continue
      if (handle.remotePort !== undefined && !this.#events.isTold(handle.remotePort)) this.#watch(handle)
    }
  }

  #release(socket: Client): void {
    this.#watched.get(socket)?.()
    this.#watched.delete(socket)
  }

  #watch(socket: Client): void {
    if (this.#watched.has(socket)) return
    let call: OpenCall | undefined
    const { write, emit } = socket
    const settle = (failed: boolean) => {
      if (call) this.#events.end(call, failed)
      call = undefined
    }
    const timedWrite = ((...args: Parameters<Socket['write']>) => {
      // An HTTP client speaks for itself; and a socket has an address only when it is connected.
      const port = call || socket._httpMessage ? undefined : socket.remotePort
      if (port !== undefined) {
        if (this.#events.isTold(port)) this.#release(socket)
        else call = this.#events.begin(`${socket.remoteAddress}:${port}`)
      }
      return write.apply(socket, args)
    }) as Socket['write']
    socket.write = timedWrite
    socket.emit = ((event: string, ...args: unknown[]) => {
      if (event === 'data' || event === 'readable') settle(false)
      // `connect()` has put the socket's own method back.
      else if (event === 'connect') socket.write = timedWrite
      else if (event === 'error') settle(true)
      else if (event === 'close') this.#watched.delete(socket)
      return Reflect.apply(emit, socket, [event, ...args])
    }) as Socket['emit']
    this.#watched.set(socket, () => {
      restore(socket, 'write', write)
      restore(socket, 'emit', emit)
    })
  }
}

/** A method that is the class's needs no property of the socket. */
function restore<N extends 'write' | 'emit'>(socket: Client, name: N, method: Client[N]): void {
  if (method === Socket.prototype[name]) Reflect.deleteProperty(socket, name)
  else socket[name] = method
}

/** Not one that the server accepted, not a pipe, and not one to our own spec. */
function isClient(socket: Client): boolean {
  return !socket.server && socket.remotePort !== undefined && !socket.destroyed
}
