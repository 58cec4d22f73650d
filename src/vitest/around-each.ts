import type { TestContext } from 'vitest'
import { beginBody, beginHookAround } from './test-attempt.ts'

type AnyFunction = (this: unknown, ...given: unknown[]) => unknown
type Run = () => Promise<void>
type Context = Pick<TestContext, 'task'>

/** No limit on what ends an attempt: each part of it has its own. */
const NO_LIMIT = 2_147_483_647

/**
 * `test.aroundEach` of `test`: what its hook takes of ours lives until the hook has returned. To Vitest a test has finished before the second
 * half of the hook. Another hook around it ends the attempt, since that one runs to its end whatever becomes of the user's.
 */
export function keepingAttempt(aroundEach: AnyFunction): AnyFunction {
  return function (fn, ...rest) {
    if (typeof fn !== 'function') return aroundEach.call(this, fn, ...rest)
    const keep = async (run: Run, { task }: Context): Promise<void> => {
      const conclude = beginHookAround(task)
      await run()
      await conclude()
    }
    const told = (run: Run, context: Context, ...more: unknown[]): unknown => {
      const runBody = (): Promise<void> => {
        beginBody(context.task)
        return run()
      }
      return (fn as AnyFunction)(runBody, context, ...more)
    }
    // Vitest reads off the source which fixtures the hook takes.
    told.toString = () => String(fn)
    aroundEach.call(this, keep, NO_LIMIT)
    return aroundEach.call(this, told, ...rest)
  }
}
