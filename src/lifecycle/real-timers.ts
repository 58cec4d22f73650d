/**
 * The clock and the timers of the machine. They are taken once, before a test can replace the globals with fake ones
 * (`vi.useFakeTimers()`), so that a server still starts, a load still ends and a deadline still comes.
 * The setup file imports this module first; nothing else in the worker's code reads those globals.
 */

import { performance } from 'node:perf_hooks'
import process from 'node:process'
import timers from 'node:timers'
import promises from 'node:timers/promises'

export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate } = timers

/** Milliseconds on the monotonic clock, with fractions: `performance.now()`. */
export const readClock: () => number = performance.now.bind(performance)

/** Milliseconds since 1970. Not `Date.now()`: another set-up file may have faked that before this module was loaded. */
export function readWallClock(): number {
  return Math.round(performance.timeOrigin + readClock())
}

/** Nanoseconds on the monotonic clock: `process.hrtime.bigint()`. */
export const nanoseconds: () => bigint = process.hrtime.bigint.bind(process.hrtime)

/** Milliseconds on the monotonic clock of the machine, the same in all of its processes. */
export function readMachineClock(): number {
  return Number(nanoseconds()) / 1e6
}

/** Resolves after so many milliseconds; rejects when its `signal` aborts. */
export const delay = promises.setTimeout

/** Resolves after the event loop has polled once. */
export const turn: () => Promise<void> = promises.setImmediate
