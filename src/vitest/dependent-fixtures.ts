import type { TestContext } from 'vitest'
import { failedFixture } from './failed-fixture.ts'
import { runningAttempt } from './test-attempt.ts'

type Context = Pick<TestContext, 'task'>
type Use = (value: unknown) => Promise<void>
/** Hands its value to `use`, as in `test.extend({ name: … })`, or returns it, as in `test.extend('name', …)`. */
type Fixture = (context: Context, useOrTools: unknown) => unknown

/**
 * Has a user's fixtures outlive a failed start of `server` until the next attempt. Vitest 4 takes a fixture whose set-up threw for set up,
 * and hands `undefined` to each retry: one that stands on a server that could not be started must not throw.
 */
export function outlivingFailedStarts(given: readonly unknown[]): unknown[] {
  const [first, ...rest] = given
  if (typeof first === 'string') {
    const value = rest.at(-1)
    const options = rest.length > 1 ? rest[0] : undefined
    return isFixture(value, options) ? [first, ...rest.slice(0, -1), returning(value)] : [...given]
  }
  if (typeof first !== 'object' || first === null) return [...given]
  return [Object.fromEntries(Object.entries(first).map(([name, entry]) => [name, adapted(entry)])), ...rest]
}

function adapted(entry: unknown): unknown {
  if (!Array.isArray(entry)) return isFixture(entry) ? using(entry) : entry
  const [value, options, ...rest] = entry as unknown[]
  return isFixture(value, options) ? [using(value), options, ...rest] : entry
}

/** A fixture of each test: one of a file or of the worker cannot stand on `server`. */
function isFixture(value: unknown, options?: unknown): value is Fixture {
  const { scope = 'test' } = (options ?? {}) as { scope?: unknown }
  return typeof value === 'function' && scope === 'test'
}

function using(fixture: Fixture): Fixture {
  return asWritten(fixture, async (context, given) => {
    let isSetUp = false
    const use: Use = (value) => {
      isSetUp = true
      return (given as Use)(value)
    }
    try {
      await fixture(context, use)
    } catch (error) {
      if (isSetUp || !hasFailedStart(context)) throw error
      await use(failedFixture(error))
    }
  })
}

function returning(fixture: Fixture): Fixture {
  return asWritten(fixture, async (context, tools) => {
    try {
      return await fixture(context, tools)
    } catch (error) {
      if (!hasFailedStart(context)) throw error
      return failedFixture(error)
    }
  })
}

function hasFailedStart({ task }: Context): boolean {
  return runningAttempt(task)?.hasFailedStart ?? false
}

/** Vitest reads off the source what a fixture depends on. */
function asWritten(fixture: Fixture, adaptation: Fixture): Fixture {
  adaptation.toString = () => String(fixture)
  return adaptation
}
