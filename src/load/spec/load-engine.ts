import type { LoadError } from '../../errors.ts'
import type { LoadReportMessage, LoadRequestMessage } from '../messages.ts'

/** What a load hears of who generates it. */
export interface LoadEngineListener {
  onMessage(message: LoadReportMessage): void
  /** The generator of the load is lost. No message follows. */
  onLost(error: LoadError): void
}

/** One load's line to its generator. */
export interface LoadEngineLine {
  send(message: LoadRequestMessage): void
  /** Closes the line and ends the generator by force, with every load in it: for one that no longer answers. */
  kill(): void
  /** Has the generator serve no load after those that run in it now: something of this load is left in it. */
  retire(): void
  /** Whether other loads run in it, which `kill` would end too. */
  isShared(): boolean
  /** Idempotent. */
  close(): void
}

/** Generates loads. All else (thresholds, matchers, reports) does not know which one did. */
export interface LoadEngine {
  /** Opens a line, over which one load is run. Lines see each other's messages: a load tells its own by their `id`. */
  open(listener: LoadEngineListener): LoadEngineLine
}
