import type { TestContext } from 'vitest'

interface Attempts {
  retry?: number | { count?: number }
  repeats?: number
  result?: { retryCount?: number }
}

/**
 * Whether Vitest may run a test again that fails now. A test with `repeats` always counts as one: Vitest counts its retries across
 * the repeats.
 */
export function mayRunAgain(task: TestContext['task']): boolean {
  const { retry, repeats = 0, result } = task as Attempts
  const count = typeof retry === 'number' ? retry : (retry?.count ?? 0)
  return repeats > 0 || count > (result?.retryCount ?? 0)
}

/**
 * Stands for a fixture whose set-up failed, and throws that failure as soon as it is touched. Vitest 4 takes a fixture
 * that threw for set up, and hands `undefined` to every retry; one that was handed out is set up anew.
 */
export function failedFixture<Value extends object>(failure: unknown): Value {
  const fail = (): never => {
    throw failure
  }
  return new Proxy<object>(
    {},
    {
      // Asked by `await` of Vitest's own: a value with a `then` would be called, not handed over.
      get: (_, key) => (key === 'then' ? undefined : fail()),
      set: fail,
      has: fail,
      ownKeys: fail,
      getOwnPropertyDescriptor: fail,
    },
  ) as Value
}
