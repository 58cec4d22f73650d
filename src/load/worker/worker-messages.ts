import type { LoadReportMessage, LoadRequestMessage } from '../messages.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import type { SignedPlan } from './signed-plan.ts'

// Messages between the spec and a worker, in MessagePack. The Locust master forwards them unread.

/** What a load process of a worker is told once its run was begun. */
export type PassedRequest = Exclude<LoadRequestMessage, { type: 'run' | 'turns' }>

/** From the spec. */
export type WorkerRequest =
  /** Asks for the worker's clocks. `at` comes back. */
  | { type: 'time'; at: number }
  /** Get ready to run the shares of a load that `plan` holds, a `WorkerPlan`. */
  | { type: 'plan'; load: string; plan: SignedPlan }
  /** For the run of a load in the load process of a slot. */
  | { type: 'pass'; slot: number; message: PassedRequest }
  /** End the load process of a slot by force: it does not answer. */
  | { type: 'kill'; load: string; slot: number }

/** From a worker. */
export type WorkerReport =
  | WorkerHello
  /** `machine` is `readMachineClock()`, `wall` Unix milliseconds. */
  | { type: 'time'; at: number; machine: number; wall: number }
  /** From the load process of a slot. */
  | { type: 'pass'; slot: number; message: LoadReportMessage }
  /** The load process of a slot was lost, and the run of a load with it. */
  | { type: 'lost'; load: string; slot: number; why: string }
  /** The worker does not run a plan. */
  | { type: 'refused'; load: string; why: string }

/** Who a worker is. Sent when it has joined a master. */
export interface WorkerHello {
  readonly type: 'hello'
  /** Random, new with each start of the worker: plans are signed for it. */
  readonly id: string
  /** That it has the token: see `proveToken`. */
  readonly proof?: string
  /** For people: host and pid. */
  readonly name: string
  /** Of this package, and of its code: see `readBuild`. */
  readonly version: string
  readonly build: string
  /** Load processes. */
  readonly processes: number
  /** Whether it reaches the master over loopback, so that the master's loopback is its own. */
  readonly isLocal: boolean
}

/** What the bytes of a signed plan hold, by `v8.serialize`: what `data` of a scenario may hold is more than MessagePack knows. */
export interface WorkerPlan {
  /** SHA-256 of the scenario's bundle as hexadecimal; its text is the `bundle` of the envelope. */
  readonly bundle: string
  readonly runs: readonly { readonly slot: number; readonly plan: LoadPlan }[]
}
