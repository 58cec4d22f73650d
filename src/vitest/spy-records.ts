import { vi, type Mock } from 'vitest'
import { findSpyRegistries, type SpyRegistries } from './spy-registries.ts'
import { WeakenedSet } from './weakened-set.ts'

/** What a spy (`vi.fn()`, `vi.spyOn()`) has recorded: lists of the same length, an entry a call. */
type State = Mock['mock']

const LISTS = ['calls', 'contexts', 'instances', 'invocationCallOrder', 'results', 'settledResults'] as const

let probe: Mock | undefined
let probed = 0
/** The search takes 100 ms or more and is made once. */
let registries: SpyRegistries | undefined

/** Calls of all spies of the worker so far: each record has its number, and so has one of our own. */
function callsSoFar(): number {
  probe ??= vi.fn()
  callProbe(probe)
  const number = probe.mock.invocationCallOrder.at(-1) ?? 0
  probe.mockClear()
  return number - probed
}

function callProbe(spy: Mock): void {
  spy()
  probed += 1
}

/** Vitest 5 knows a spy only while it has a call. */
function findThem(spy: Mock): SpyRegistries {
  callProbe(spy)
  const found = findSpyRegistries(spy)
  spy.mockClear()
  return found
}

/** The records of spies since it was made. */
export class SpyRecords {
  readonly #begin = callsSoFar()
  /** Calls with a higher number were recorded since then. */
  readonly #lastNumber = this.#begin + probed
  #released = this.#begin
  #mocks: WeakenedSet | undefined
  #restores: WeakenedSet | undefined

  constructor() {
    if (registries) this.#hold(registries)
  }

  /** A spy, and what undoes it, that a measured call has made must be able to go with that call. */
  #hold({ mocks, restores }: SpyRegistries): void {
    this.#mocks = mocks && new WeakenedSet(mocks)
    this.#restores = restores && new WeakenedSet(restores)
  }

  get calls(): number {
    return callsSoFar() - this.#begin
  }

  /** Lets go all that was recorded since the beginning, but the last call of each spy. */
  release(): void {
    // A spy that nobody called has left no trace of its own: it is searched for in any case.
    if (!registries) {
      registries = findThem(probe as Mock)
      this.#hold(registries)
    }
    const calls = callsSoFar()
    if (calls !== this.#released) {
      this.#released = calls
      for (const spy of this.#mocks?.entries() ?? []) if (spy !== probe) trim((spy as Mock).mock, this.#lastNumber)
    }
    this.#mocks?.weaken()
    this.#restores?.weaken()
  }

  /** Vitest knows all spies again that are still in use: `vi.restoreAllMocks()` reaches them. */
  giveBack(): void {
    this.#mocks?.giveBack()
    this.#restores?.giveBack()
  }

  end(): void {
    this.release()
    this.giveBack()
  }
}

function trim(state: State, lastNumber: number): void {
  const first = state.invocationCallOrder.findLastIndex((number) => number <= lastNumber) + 1
  const surplus = state.invocationCallOrder.length - first - 1
  if (surplus > 0) for (const name of LISTS) (state[name] as unknown[]).splice(first, surplus)
}
