/**
 * What the test runner keeps of the code that is measured in this process, until the test ends: a record for each assertion on a promise, and
 * the calls of spies. It is not the code's, so it is let go before each collection, or told.
 */
export interface RunnerRecords {
  /** Lets go what was kept since the last call: before a collection. */
  release(): void
  /** Gives the runner back what the code still uses: after a collection. */
  giveBack(): void
  /** Calls that are recorded and cannot be let go, since the test may ask for them. */
  keptCalls(): number
  /** Ends the watch over the runner's records. */
  end(): void
}

/** `calls`: a function is called for the measurement alone, so nobody asks for the calls its spies record. `watch`: the test's own work runs. */
export type WatchRecords = (of: 'calls' | 'watch') => RunnerRecords
