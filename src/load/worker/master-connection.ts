import { randomUUID } from 'node:crypto'
import { every, type Cancel, type Clock } from '../../lifecycle/clock.ts'
import { Lease } from '../../lifecycle/lease.ts'
import type { LocustReport } from './locust-stats.ts'
import type { MessageCodec } from './message-codec.ts'

/** Loads end after so many milliseconds without a message of the master, which sends one every 500 ms. */
export const LEASE = 2_000
/** Milliseconds that a master has to answer, before the worker opens a new connection. */
const PATIENCE = 5_000
/** Milliseconds between two heartbeats, by which Locust knows that a worker lives. */
const HEARTBEAT = 1_000
/** Locust's word for a worker whose version it does not check. */
const ANY_VERSION = -1

/** A connection to a master's port. */
export interface Wire {
  send(message: Uint8Array): void
  close(): void
}

export interface WireListener {
  onMessage(message: Uint8Array): void
  onClosed(): void
}

/** CPU in percent of a core, memory in bytes. */
export interface Usage {
  readonly cpu: number
  readonly memory: number
}

export interface MasterConnectionParts {
  readonly clock: Clock
  readonly codec: MessageCodec
  /** Begins to connect, and goes on until it is closed. `node` is what the master knows the connection by. */
  open(node: string, listener: WireListener): Wire
  /** The worker's name, for the master's log. */
  readonly name: string
  usage(): Usage
  /** Whether a load runs. */
  isLoaded(): boolean
  readonly listener: MasterListener
}

export interface MasterListener {
  onJoined(): void
  onMessage(message: unknown): void
  /** The master is gone, or the way to it. All that it has asked for must end. */
  onLost(why: string): void
  /** Locust's page shows a load, until `onStop`. */
  onShow(): void
  /** Locust's page shows no load any more: it is over, or somebody has pressed the stop button. */
  onStop(): void
}

type State =
  | { readonly is: 'calling'; readonly node: string; readonly wire: Wire; readonly cancel: Cancel }
  | {
      readonly is: 'joined'
      readonly node: string
      readonly wire: Wire
      readonly lease: Lease
      readonly cancel: Cancel
    }
  | { readonly is: 'closed' }

/** Locust's count of users by class. */
interface Users {
  readonly user_classes_count: Readonly<Record<string, number>>
  readonly user_count: number
}

const NO_USERS: Users = { user_classes_count: {}, user_count: 0 }

/** A worker's side of Locust's protocol: joins a master, sends heartbeats, and joins the next master when this one is gone. */
export class MasterConnection {
  readonly #parts: MasterConnectionParts
  #state: State
  /** What Locust's page was told last. */
  #users: Users = NO_USERS

  constructor(parts: MasterConnectionParts) {
    this.#parts = parts
    this.#state = this.#call()
  }

  get isJoined(): boolean {
    return this.#state.is === 'joined'
  }

  /** Each call has a new name: a master refuses a name whose last connection it still takes for alive. */
  #call(): State {
    const { clock, name, open } = this.#parts
    const node = `${name}_${randomUUID()}`
    const wire = open(node, {
      onMessage: (message) => this.#onMessage(node, message),
      onClosed: () => this.#onClosed(node),
    })
    // ZeroMQ keeps it until there is a master.
    this.#sendTo(wire, node, 'client_ready', ANY_VERSION)
    const cancel = clock.after(PATIENCE, () => this.#callAgain(node))
    return { is: 'calling', node, wire, cancel }
  }

  #callAgain(node: string): void {
    if (this.#state.is === 'closed' || this.#state.node !== node) return
    this.#hangUp()
    this.#state = this.#call()
  }

  #hangUp(): void {
    if (this.#state.is === 'closed') return
    this.#state.cancel()
    if (this.#state.is === 'joined') this.#state.lease.release()
    this.#state.wire.close()
    this.#state = { is: 'closed' }
  }

  #sendTo(wire: Wire, node: string, type: string, data: unknown): void {
    wire.send(this.#parts.codec.encode([type, data, node]))
  }

  #say(type: string, data: unknown = null): void {
    if (this.#state.is !== 'closed') this.#sendTo(this.#state.wire, this.#state.node, type, data)
  }

  /** Sends a message to the spec. Discards it while no master is joined. */
  send(message: unknown): void {
    if (this.#state.is === 'joined') this.#say('perf', this.#parts.codec.encode(message))
  }

  /** To Locust's page. */
  showStats(report: LocustReport): void {
    if (this.#state.is === 'joined') this.#say('perf_stats', { ...report, ...this.#users })
  }

  #onMessage(node: string, bytes: Uint8Array): void {
    if (this.#state.is === 'closed' || this.#state.node !== node) return
    const message = this.#decode(bytes)
    if (!Array.isArray(message)) return
    const [type, data] = message as [unknown, unknown]
    if (this.#state.is === 'joined') this.#state.lease.renew()
    if (type === 'ack') return this.#onAck()
    if (type === 'quit') return this.#lose('quit')
    if (type === 'reconnect') return this.#lose('asked for a new connection')
    if (this.#state.is !== 'joined') return
    if (type === 'perf_beat') return this.#say('perf_beat')
    if (type === 'perf' && data instanceof Uint8Array) return this.#parts.listener.onMessage(this.#decode(data))
    if (type === 'spawn') return this.#onSpawn(data)
    if (type === 'stop') this.#onStop()
  }

  #decode(bytes: Uint8Array): unknown {
    try {
      return this.#parts.codec.decode(bytes)
    } catch {
      // Anybody may have sent it.
      return undefined
    }
  }

  #onAck(): void {
    if (this.#state.is !== 'calling') return
    const { node, wire, cancel } = this.#state
    cancel()
    const { clock, listener } = this.#parts
    const lease = new Lease(clock, LEASE, () => this.#lose(`sent nothing for ${LEASE / 1_000} s`))
    this.#state = { is: 'joined', node, wire, lease, cancel: every(clock, HEARTBEAT, () => this.#heartbeat()) }
    this.#heartbeat()
    listener.onJoined()
  }

  #heartbeat(): void {
    const { cpu, memory } = this.#parts.usage()
    const state = this.#parts.isLoaded() ? 'running' : 'ready'
    this.#say('heartbeat', { state, current_cpu_usage: cpu, current_memory_usage: memory })
  }

  /** Locust's page asks for a number of users. The plan decides how many there are, so confirm any number. */
  #onSpawn(data: unknown): void {
    const counts = (data as { user_classes_count?: Record<string, number> } | null)?.user_classes_count ?? {}
    this.#say('spawning')
    const user_count = Object.values(counts).reduce((sum, count) => sum + count, 0)
    this.#users = { user_classes_count: counts, user_count }
    this.#say('spawning_complete', this.#users)
    this.#parts.listener.onShow()
  }

  #onStop(): void {
    this.#parts.listener.onStop()
    this.#users = NO_USERS
    this.#say('client_stopped')
    this.#say('client_ready', ANY_VERSION)
  }

  #onClosed(node: string): void {
    if (this.#state.is === 'closed' || this.#state.node !== node) return
    if (this.#state.is === 'joined') this.#lose('closed its connection')
    else this.#callAgain(node)
  }

  #lose(why: string): void {
    if (this.#state.is === 'closed') return
    const wasJoined = this.#state.is === 'joined'
    this.#callAgain(this.#state.node)
    if (wasJoined) this.#parts.listener.onLost(why)
  }

  /** Leaves the master. Idempotent. */
  close(): void {
    this.#say('quit')
    this.#hangUp()
  }
}
