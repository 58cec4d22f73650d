import { performance } from 'node:perf_hooks'
import { clearImmediate, clearTimeout, readClock, readMachineClock, setImmediate, setTimeout } from './real-timers.ts'

/** Takes back what a clock was asked to do. Idempotent. */
export type Cancel = () => void

/** Time, given to whoever waits for it or measures it, so that a test can hold it. */
export interface Clock {
  /** Unix milliseconds at which `now()` was 0. */
  readonly origin: number
  /** Milliseconds, monotonic, with fractions. */
  now(): number
  /** Milliseconds on a monotonic clock that all processes of this machine share. */
  machineNow(): number
  /** Calls `act` once, after so many milliseconds. A timer of the machine may be up to a millisecond early. */
  after(milliseconds: number, act: () => void): Cancel
  /** Calls `act` once, at a moment of `now()`, to a fraction of a millisecond: several processes begin together so. */
  at(moment: number, act: () => void): Cancel
  /** Calls `act` once, when what has arrived by now was read. */
  soon(act: () => void): Cancel
}

/** Milliseconds that are waited for without a timer, which may be late by as much. */
const SPUN = 3

/** The machine's own clock. Fake timers of a test do not reach it. */
export const realClock: Clock = {
  origin: performance.timeOrigin,
  now: readClock,
  machineNow: readMachineClock,
  after: (milliseconds, act) => {
    const timer = setTimeout(act, milliseconds)
    return () => clearTimeout(timer)
  },
  at: (moment, act) => {
    const spin = () => {
      while (readClock() < moment);
      act()
    }
    return realClock.after(Math.max(0, moment - readClock() - SPUN), spin)
  },
  soon: (act) => {
    const immediate = setImmediate(act)
    return () => clearImmediate(immediate)
  },
}

/** Calls `act` again and again, so many milliseconds apart, until it is cancelled. */
export function every(clock: Clock, milliseconds: number, act: () => void): Cancel {
  let cancelled = false
  let cancel = clock.after(milliseconds, turn)
  function turn() {
    cancel = clock.after(milliseconds, turn)
    act()
    if (cancelled) cancel()
  }
  return () => {
    cancelled = true
    cancel()
  }
}
