import { withDeadline } from '../../lifecycle/abort.ts'
import { swallow } from '../../lifecycle/debug.ts'
import type { Wire, WireListener } from './master-connection.ts'
import { importPeer } from './message-codec.ts'

/** Milliseconds between two attempts to connect, at first and at the most. */
const RECONNECT = { first: 100, most: 500 }
/** Milliseconds that last messages have to leave when a wire is closed. */
const LINGER = 200

/** Opens a wire that the master knows as `node`. */
export type OpenWire = (node: string, listener: WireListener) => Wire

/**
 * Imports `zeromq`, an optional peer dependency.
 *
 * @throws Error that says what to install.
 */
export async function importZeromqWire(host: string, port: number): Promise<OpenWire> {
  const { Dealer } = await importPeer('zeromq', () => import('zeromq'))
  return (node, listener) => {
    const socket = new Dealer({
      routingId: node,
      linger: LINGER,
      reconnectInterval: RECONNECT.first,
      reconnectMaxInterval: RECONNECT.most,
    })
    let isOpen = true
    // A ZeroMQ socket takes one send at a time.
    let sent: Promise<void> = Promise.resolve()
    const receiveAll = async () => {
      for await (const [message] of socket) if (message && isOpen) listener.onMessage(message)
    }
    socket.events.on('disconnect', () => {
      if (isOpen) listener.onClosed()
    })
    socket.connect(`tcp://${host}:${port}`)
    receiveAll().catch(swallow('worker'))
    return {
      send(message) {
        if (!isOpen) return
        sent = sent.then(() => socket.send(message)).catch(swallow('worker'))
      },
      close() {
        if (!isOpen) return
        isOpen = false
        // Without a connection the last messages never leave: wait for a bounded time.
        void withDeadline(sent, LINGER).finally(() => socket.close())
      },
    }
  }
}
