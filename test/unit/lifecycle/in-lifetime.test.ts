import { expect, test } from 'vitest'
import { PerfAbortError } from '../../../src/errors.ts'
import { inLifetime, type Lifetime } from '../../../src/lifecycle/attempt.ts'

const call = { name: 'load()' }
const late = new Error('called too late')
const over: Lifetime = { signal: AbortSignal.abort(), follow: () => late }
const aborted = new PerfAbortError('The load was aborted', { partial: undefined })

test('a call that comes after its test had passed is told, not its abort', async () => {
  await expect(inLifetime(over, call, Promise.reject(aborted))).rejects.toBe(late)
})

test('what needs no test still works then, and has its own errors', async () => {
  expect(await inLifetime(over, call, Promise.resolve('stopped'))).toBe('stopped')
  const error = new TypeError('of its own')
  await expect(inLifetime(over, call, Promise.reject(error))).rejects.toBe(error)
})

test('a call that comes after a test that failed is left in peace', async () => {
  const failed: Lifetime = { signal: AbortSignal.abort(), follow: () => undefined }
  // Nobody waits for it: an unhandled rejection would fail this run.
  void inLifetime(failed, call, Promise.reject(aborted))
  await new Promise((resolve) => setImmediate(resolve))
})
