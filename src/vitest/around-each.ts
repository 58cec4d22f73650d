import type { TestContext } from 'vitest'
import { swallow } from '../lifecycle/debug.ts'
import { runningAttempt } from './test-attempt.ts'

type AnyFunction = (this: unknown, ...given: unknown[]) => unknown

/**
 * `test.aroundEach` of `test`: what its hook takes of ours lives until the hook has returned. To Vitest a test has finished before the second
 * half of the hook.
 */
export function keepingAttempt(aroundEach: AnyFunction): AnyFunction {
  return function (fn, ...rest) {
    if (typeof fn !== 'function') return aroundEach.call(this, fn, ...rest)
    const keeping = async (run: unknown, context: Pick<TestContext, 'task'>, ...more: unknown[]) => {
      const attempt = runningAttempt(context.task)
      if (!attempt) return (fn as AnyFunction)(run, context, ...more)
      attempt.keep()
      try {
        await (fn as AnyFunction)(run, context, ...more)
      } catch (error) {
        // It is what failed first; the end of the attempt may fail of it.
        await attempt.release().catch(swallow('end of a test'))
        throw error
      }
      await attempt.release()
    }
    // Vitest reads off the source which fixtures the hook takes.
    keeping.toString = () => String(fn)
    return aroundEach.call(this, keeping, ...rest)
  }
}
