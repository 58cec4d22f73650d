import { vi, type Mock } from 'vitest'
import { findSets } from './own-heap.ts'

/** What Vitest keeps of all spies of the worker. It keeps both sets to itself; one is missing where it was not found. */
export interface SpyRegistries {
  /** The spies, on Vitest 4; on 5, weak references to those that were called. */
  readonly mocks: Set<object> | undefined
  /** What undoes each `vi.spyOn`, also where that was undone, until `vi.restoreAllMocks()`. */
  readonly restores: Set<object> | undefined
}

const SPIES = 3

/** Finds them in the heap: in one is `probe`, a spy that was called, and the other grows with each `vi.spyOn`. */
export function findSpyRegistries(probe: Mock): SpyRegistries {
  const spied = { method() {} }
  const spies: object[] = [vi.spyOn(spied, 'method')]
  const candidates = findSets((set) => holds(set, probe) || holdsFunctions(set))
  const mocks = candidates.find((set) => holds(set, probe)) as Set<object> | undefined
  const sizes = candidates.map(({ size }) => size)
  for (let spy = 0; spy < SPIES; spy += 1) {
    const { method } = { method() {} }
    spies.push(vi.spyOn({ method }, 'method'))
  }
  const restores = candidates.find((set, index) => set !== mocks && set.size === (sizes[index] ?? 0) + SPIES) as
    | Set<object>
    | undefined
  for (const restore of [...(restores ?? [])].slice(-spies.length)) restores?.delete(restore)
  for (const spy of spies) mocks?.delete(spy)
  return { mocks, restores }
}

function holdsFunctions(set: Set<unknown>): boolean {
  const [first] = set
  return typeof first === 'function'
}

function holds(set: Set<unknown>, probe: Mock): boolean {
  for (const entry of set) if (entry === probe || (entry instanceof WeakRef && entry.deref() === probe)) return true
  return false
}
