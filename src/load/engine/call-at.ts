import type { Cancel, Clock } from '../../lifecycle/clock.ts'

/** Milliseconds that are waited for without a timer, which may be late by as much. */
const SPUN = 3

/** Calls back at `at`, on `clock`, to a fraction of a millisecond: several processes begin together so. */
export function callAt(clock: Clock, at: number, callback: () => void): Cancel {
  const spin = () => {
    while (clock.now() < at);
    callback()
  }
  return clock.after(Math.max(0, at - clock.now() - SPUN), spin)
}
