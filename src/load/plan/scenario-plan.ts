import type { LoadHeaders } from './load-options.ts'
import type { Segment } from './schedule.ts'

/** A scenario as the load process gets it: plain data. */
export interface PlannedScenario {
  /** As people read it: its path from Vitest's root. */
  readonly name: string
  /** Absolute path of the module, and Vitest's root: errors name sources by them. */
  readonly file: string
  readonly root: string
  /** The ES module, with its source map inline. */
  readonly code: string
  /** Exports and their weights. */
  readonly mix: readonly (readonly [name: string, weight: number])[]
  readonly data: unknown
  readonly seed: number
  /** Sets apart what `unique` gives in loads that repeat one on the same server. */
  readonly round?: string
  /** The load's own, sent with every request. */
  readonly headers: LoadHeaders
  /** Of requests that say nothing else; absent: all below 400. */
  readonly expectStatus?: readonly [from: number, to: number]
  /** Virtual users over time. */
  readonly virtualUsers: readonly Segment[]
  /**
   * The part of the load that this process runs. Ids of users, and elements that `take` gives out, are `first`, `first
   * + step`, … One process has `{ first: 0, step: 1 }`.
   */
  readonly share: { readonly first: number; readonly step: number }
}
