/**
 * What the test runner keeps of a measured function's calls until the test ends, such as a record for each assertion on a promise. It is
 * not the function's, so it is let go before each collection.
 */
export interface RunnerRecords {
  /** Lets go what was kept since the last call. */
  release(): void
  /** Ends the watch over the runner's records. */
  end(): void
}
