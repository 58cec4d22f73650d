import { Session } from 'node:inspector'
import { vi, type Mock } from 'vitest'
import { debug } from '../lifecycle/debug.ts'

/** What a spy (`vi.fn()`, `vi.spyOn()`) has recorded: lists of the same length, an entry a call. */
type State = Mock['mock']

/** All spies of the worker, as Vitest 4 keeps them; Vitest 5 keeps weak references to those that were called. */
type Registry = Set<object>

const LISTS = ['calls', 'contexts', 'instances', 'invocationCallOrder', 'results', 'settledResults'] as const

let probe: Mock | undefined
let probed = 0
/** `null` where it was not found: the search takes 100 ms or more and is made once. */
let registry: Registry | null | undefined

/** Calls of all spies of the worker so far: each record has its number, and so has one of our own. */
function callsSoFar(): number {
  probe ??= vi.fn()
  probe()
  probed += 1
  const number = probe.mock.invocationCallOrder.at(-1) ?? 0
  probe.mockClear()
  return number - probed
}

/** The records of spies since it was made. */
export class SpyRecords {
  readonly #begin = callsSoFar()
  /** Calls with a higher number were recorded since then. */
  readonly #lastNumber = this.#begin + probed
  #released = this.#begin
  /** Spies that were there before. Vitest 4 holds each for ever: one that a measured call has made must be able to go with that call. */
  readonly #known = new WeakSet<object>(registry ?? [])
  #forgotten: WeakRef<object>[] = []

  get calls(): number {
    return callsSoFar() - this.#begin
  }

  /** Lets go all that was recorded since the beginning, but the last call of each spy. */
  release(): void {
    const calls = callsSoFar()
    if (calls === this.#released) return
    this.#released = calls
    if (registry === undefined) {
      registry = findRegistry()
      for (const spy of registry ?? []) this.#known.add(spy)
    }
    this.#forgotten = this.#forgotten.filter((reference) => reference.deref() !== undefined)
    for (const entry of [...(registry ?? []), ...this.#forgotten]) {
      const spy = entry instanceof WeakRef ? (entry.deref() as object | undefined) : entry
      if (spy === undefined || spy === probe) continue
      trim((spy as Mock).mock, this.#lastNumber)
      if (entry instanceof WeakRef || this.#known.has(spy)) continue
      registry?.delete(spy)
      this.#forgotten.push(new WeakRef(spy))
    }
  }

  /** Vitest knows all spies again that are still in use. */
  end(): void {
    this.release()
    for (const reference of this.#forgotten.splice(0)) {
      const spy = reference.deref()
      if (spy) registry?.add(spy)
    }
  }
}

function trim(state: State, lastNumber: number): void {
  const first = state.invocationCallOrder.findLastIndex((number) => number <= lastNumber) + 1
  const surplus = state.invocationCallOrder.length - first - 1
  if (surplus > 0) for (const name of LISTS) (state[name] as unknown[]).splice(first, surplus)
}

const KEY = 'vitest-plugin-perf:find-spies'

/** Vitest keeps its spies to itself. Among all sets of the heap theirs is the one with a spy of ours in it. */
function findRegistry(): Registry | null {
  const found: Set<unknown>[] = []
  const key = Symbol.for(KEY)
  const world = globalThis as unknown as Record<symbol, unknown>
  const session = new Session()
  try {
    probe?.()
    probed += 1
    world[key] = (sets: Set<unknown>[]) => found.push(...sets.filter(holdsProbe))
    session.connect()
    const group = { objectGroup: 'spies' }
    const contextId = ownContext(session)
    const { result } = ask(session, 'Runtime.evaluate', { ...group, expression: 'Set.prototype', contextId }) as Answer
    const about = { ...group, prototypeObjectId: result.objectId }
    const { objects } = ask(session, 'Runtime.queryObjects', about) as Answer
    const look = `function () { globalThis[Symbol.for('${KEY}')](this) }`
    ask(session, 'Runtime.callFunctionOn', { objectId: objects.objectId, functionDeclaration: look })
    ask(session, 'Runtime.releaseObjectGroup', group)
  } catch (error) {
    debug('spies were not found: %s', error)
  } finally {
    session.disconnect()
    Reflect.deleteProperty(world, key)
    probe?.mockClear()
  }
  return (found[0] as Registry | undefined) ?? null
}

/** The context that this file runs in. The pools `vmThreads` and `vmForks` have one for each test file, with a `Set` of its own. */
function ownContext(session: Session): number | undefined {
  const contexts: number[] = []
  session.on('Runtime.executionContextCreated', ({ params }) => contexts.push(params.context.id))
  ask(session, 'Runtime.enable', {})
  const expression = `Symbol.for('${KEY}') in globalThis`
  return contexts.find((contextId) => {
    const { result } = ask(session, 'Runtime.evaluate', { expression, contextId, returnByValue: true }) as Answer
    return result.value === true
  })
}

interface Answer {
  result: { objectId: string; value?: unknown }
  objects: { objectId: string }
}

function holdsProbe(set: Set<unknown>): boolean {
  try {
    for (const entry of set) if (entry === probe || (entry instanceof WeakRef && entry.deref() === probe)) return true
  } catch {
    // The prototype of a class that extends `Set` is found too, and cannot be iterated.
  }
  return false
}

/** The inspector of one's own thread answers at once. */
function ask(session: Session, method: string, parameters: object): unknown {
  let told: unknown
  session.post(method, parameters, (error, answer) => {
    if (error) throw new Error(error.message)
    told = answer
  })
  return told
}
