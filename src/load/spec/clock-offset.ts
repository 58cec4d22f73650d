/** What a worker has answered to a question for its clocks, in milliseconds. */
export interface ClockAnswer {
  /** When it was asked, and when the answer came, by our machine clock. */
  readonly at: number
  readonly receivedAt: number
  /** When the answer came, by our wall clock. */
  readonly receivedWall: number
  /** Its machine clock and its wall clock when it answered. */
  readonly machine: number
  readonly wall: number
}

/** How many milliseconds a worker's clocks are ahead of ours. */
export interface ClockOffset {
  readonly machine: number
  readonly wall: number
  /** The most that both may be wrong by: half a round trip. */
  readonly error: number
}

/** Returns what the answer with the shortest round trip says: it was half way when it was given, but for half of that time at the most. */
export function bestClockOffset(answers: readonly ClockAnswer[]): ClockOffset {
  const offsets = answers.map(({ at, receivedAt, receivedWall, machine, wall }) => {
    const error = (receivedAt - at) / 2
    return { machine: machine - (at + error), wall: wall - (receivedWall - error), error }
  })
  const none = { machine: 0, wall: 0, error: Infinity }
  return offsets.reduce((best, offset) => (offset.error < best.error ? offset : best), none)
}
