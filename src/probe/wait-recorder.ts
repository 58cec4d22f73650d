import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { LatencyHistogram } from '../results/latency-histogram.ts'
import type { WaitKind } from '../results/profile-result.ts'
import { readClock } from '../lifecycle/real-timers.ts'
import { CreatedRequests, PUBLISHES_CREATED } from './created-requests.ts'
import type { RecordedWait } from './protocol.ts'
import { ServedRequests, type ServedTimes } from './served-requests.ts'
import { SocketWaits } from './socket-waits.ts'
import { hasProjectFrame } from './source-lines.ts'
import { CALL_CHANNELS, TRACED_CALLS, type WaitCall } from './wait-channels.ts'

/** Calls of more shapes than this are one: an id was not recognised. */
const MOST_SHAPES = 100
/**
 * The stack is read for the first calls of a shape alone, until every shape has one that shows the project's code: it costs more than
 * all the rest.
 */
const MOST_STACKS = 300

type Handler = (message: unknown, name: string | symbol) => void

/** Calls of one shape. */
interface Shape {
  readonly kind: WaitKind
  readonly what: string
  readonly times: LatencyHistogram
  failed: number
  time: number
  /** Over the requests that were followed: the calls they made, and the milliseconds in which at least one of them was open. */
  calls: number
  waited: number
  /** The first stack with a frame of the project's code. */
  stack?: string
  stacksRead: number
}

/** What one request does with one shape. */
interface Waiting {
  open: number
  since: number
  calls: number
  waited: number
}

/** What is kept of a followed request. */
interface RequestNotes {
  readonly waits: Map<Shape, Waiting>
  /** Where its last call came from: a pool calls for it later, on a stack of its own. */
  stack?: string
}

/** A call that is under way. */
export interface OpenCall {
  readonly shape: Shape
  readonly startedAt: number
  readonly request: RequestNotes | undefined
}

/**
 * Records the calls that this isolate makes out of the server, and the HTTP requests that wait for them. It subscribes to channels
 * and patches no library. Of Node it covers the writes of sockets whose library publishes nothing (`SocketWaits`), and before 22.12 the
 * first requests of `node:http` (`CreatedRequests`). Requests that were under way when it began are not counted.
 */
export class WaitRecorder {
  readonly #requests = new ServedRequests<RequestNotes>(() => ({ waits: new Map() }), addWaits)
  readonly #calls = new WeakMap<object, OpenCall>()
  /** Stacks of calls that were made and have not begun. */
  readonly #created = new WeakMap<object, string>()
  readonly #createdRequests = new CreatedRequests((request) => this.#noteCreated(request))
  #createdStacks = 0
  readonly #shapes = new Map<string, Shape>()
  readonly #ports = new Set<number>()
  readonly #subscriptions: (readonly [channel: string, handler: Handler])[] = []
  readonly #sockets = new SocketWaits({
    isTold: (port) => this.#ports.has(port),
    begin: (what) => this.#begin({ kind: 'socket', what }),
    end: (call, failed) => this.#end(call, failed),
  })
  #recording = false

  start(): void {
    this.#recording = true
    this.#requests.start()
    if (!PUBLISHES_CREATED) this.#createdRequests.start()
    for (const { created, start, end, error, subject, describe } of CALL_CHANNELS) {
      if (created) this.#on(created, (message) => this.#noteCreated(subject(message as never)))
      this.#on(start, (message) => this.#open(subject(message as never), describe(message as never)))
      this.#on(end, (message) => this.#close(subject(message as never), false))
      this.#on(error, (message) => this.#close(subject(message as never), true))
    }
    for (const { name, describe } of TRACED_CALLS) {
      this.#on(`tracing:${name}:start`, (context) => this.#open(context as object, describe(context as never)))
      this.#on(`tracing:${name}:error`, (context) => this.#close(context as object, true))
      this.#on(`tracing:${name}:asyncStart`, (context) => this.#close(context as object, false))
    }
    this.#sockets.start()
  }

  /** What was recorded: the requests that were answered, and the calls by shape. */
  stop(): { served: ServedTimes; waits: RecordedWait[] } {
    this.close()
    const waits = [...this.#shapes.values()]
      .filter(({ kind, what }) => kind !== 'socket' || !this.#ports.has(Number(what.split(':').at(-1))))
      .map(({ kind, what, times, failed, time, calls, waited, stack }) => ({
        kind,
        what,
        failed,
        time,
        calls,
        waited,
        count: times.count,
        times: times.encode(),
        ...(stack !== undefined && { stack }),
      }))
      .filter(({ count }) => count > 0)
    return { served: this.#requests.read(), waits }
  }

  /** Ends all subscriptions. Idempotent. */
  close(): void {
    this.#recording = false
    this.#sockets.stop()
    for (const [channel, handler] of this.#subscriptions.splice(0)) unsubscribe(channel, handler)
    this.#requests.stop()
    this.#createdRequests.close()
  }

  #on(channel: string, act: (message: unknown) => void): void {
    const handler: Handler = (message) => {
      try {
        act(message)
      } catch {
        // A message of another form than we know is no reason to disturb the server.
      }
    }
    subscribe(channel, handler)
    this.#subscriptions.push([channel, handler])
  }

  #noteCreated(subject: object): void {
    if (this.#createdStacks >= MOST_STACKS) return this.#createdRequests.close()
    this.#createdStacks += 1
    this.#created.set(subject, readStack())
  }

  #open(subject: object, call: WaitCall): void {
    if (call.port !== undefined) this.#ports.add(call.port)
    this.#calls.set(subject, this.#begin(call, this.#created.get(subject)))
  }

  #close(subject: object, failed: boolean): void {
    const call = this.#calls.get(subject)
    if (!call) return
    this.#calls.delete(subject)
    this.#end(call, failed)
  }

  #begin(call: WaitCall, created?: string): OpenCall {
    const shape = this.#shapeOf(call)
    const request = this.#requests.notesOfCaller()
    const startedAt = readClock()
    const isWanted = shape.stack === undefined || (request !== undefined && this.#hasShapeWithoutStack())
    if (isWanted && shape.stacksRead < MOST_STACKS) this.#noteStack(shape, call, request, created)
    if (request) {
      const waiting = request.waits.get(shape)
      if (waiting) {
        if (waiting.open === 0) waiting.since = startedAt
        waiting.open += 1
        waiting.calls += 1
      } else request.waits.set(shape, { open: 1, since: startedAt, calls: 1, waited: 0 })
    }
    return { shape, startedAt, request }
  }

  #noteStack(shape: Shape, { kind }: WaitCall, request: RequestNotes | undefined, created: string | undefined): void {
    shape.stacksRead += 1
    // A plain socket tells nothing of who wrote to it: another library's call is no answer.
    const last = kind === 'socket' ? undefined : request?.stack
    const own = created ?? readStack()
    const isFromProject = hasProjectFrame(own)
    if (isFromProject && request) request.stack = own
    const stack = isFromProject ? own : last
    if (stack !== undefined) shape.stack ??= stack
  }

  /** Such a call may come on a stack of its own, and is told by the one before it: so that one's stack is read again. */
  #hasShapeWithoutStack(): boolean {
    for (const { stack, stacksRead } of this.#shapes.values()) {
      if (stack === undefined && stacksRead < MOST_STACKS) return true
    }
    return false
  }

  #end({ shape, startedAt, request }: OpenCall, failed: boolean): void {
    if (!this.#recording) return
    const now = readClock()
    shape.times.record(now - startedAt)
    shape.time += now - startedAt
    if (failed) shape.failed += 1
    const waiting = request?.waits.get(shape)
    if (!waiting) return
    waiting.open -= 1
    if (waiting.open === 0) waiting.waited += now - waiting.since
  }

  #shapeOf(call: WaitCall): Shape {
    const what = this.#shapes.size < MOST_SHAPES ? call.what : 'other calls'
    const key = `${call.kind} ${what}`
    let shape = this.#shapes.get(key)
    if (!shape) {
      shape = {
        kind: call.kind,
        what,
        times: new LatencyHistogram(),
        failed: 0,
        time: 0,
        calls: 0,
        waited: 0,
        stacksRead: 0,
      }
      this.#shapes.set(key, shape)
    }
    return shape
  }
}

/** Adds what a followed request waited for. A call that is still open does not hold it up any more. */
function addWaits({ waits }: RequestNotes, now: number): void {
  for (const [shape, { open, since, calls, waited }] of waits) {
    shape.calls += calls
    shape.waited += waited + (open > 0 ? now - since : 0)
  }
  waits.clear()
}

/** The stack of the call, as V8 writes it. */
function readStack(): string {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 50
  const { stack = '' } = new Error()
  Error.stackTraceLimit = stackTraceLimit
  return stack
}
