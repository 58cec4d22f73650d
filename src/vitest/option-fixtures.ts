import { inject, TestRunner } from 'vitest'
import { PerfOptionsError } from '../errors.ts'
import { optionIssue } from '../option-issues.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { keepingAttempt } from './around-each.ts'
import { outlivingFailedStarts } from './dependent-fixtures.ts'
import { withSharedServer, type StartForSuite } from './suite-hooks.ts'

const OPTION_FIXTURES: readonly unknown[] = ['serverOptions', 'loadOptions', 'memoryOptions', 'compareOptions']

type AnyFunction = (this: unknown, ...given: unknown[]) => unknown
type Wrapped = 'override' | 'extend' | 'beforeAll' | 'afterAll' | 'aroundAll' | 'aroundEach'

/** The suite that is being collected, by which Vitest keeps overrides as well. */
function currentSuite(): object | undefined {
  const { suite, file } = TestRunner.getCurrentSuite() as { suite?: object; file?: object }
  return suite ?? file
}

interface Suite {
  suite?: Suite
  file?: Suite
}

/** What `test.override('serverOptions', …)` said in each suite. */
class ServerOverrides {
  readonly #values = new Map<object | undefined, unknown>()

  note(given: readonly unknown[]): void {
    const [name, value] = given
    const values =
      typeof name === 'object' && name !== null ? (name as Record<string, unknown>) : { [String(name)]: value }
    if ('serverOptions' in values) this.#values.set(topless(currentSuite()), values.serverOptions)
  }

  /** Of the suite that is being collected: the nearest override, else what the plugin was given. */
  get(): ServerOptions {
    let suite = topless(currentSuite()) as Suite | undefined
    while (suite && !this.#values.has(suite)) suite = topless(suite.suite) as Suite | undefined
    const value = this.#values.get(suite)
    if (typeof value !== 'function') return (value as ServerOptions | undefined) ?? inject('serverOptions') ?? {}
    const expected = 'an object where `test.beforeAll`, `test.afterAll` or `test.aroundAll` asks for `server`'
    throw new PerfOptionsError('server options', [optionIssue('serverOptions', expected, value)])
  }
}

/** The file's own suite counts as no suite: Vitest has several objects that stand for it. */
function topless(suite: object | undefined): object | undefined {
  const { file } = (suite ?? {}) as Suite
  return suite === undefined || file === suite ? undefined : suite
}

/**
 * Has `test.override('serverOptions', { scope: 'file', … })` mean what it says: Vitest takes an object with a `scope` for options
 * of the fixture, and the fixture itself for left out. The same holds for what is extended from `test`.
 */
export function takingValues<Test extends object>(test: Test, overrides = new ServerOverrides()): Test {
  const api = test as unknown as Record<Wrapped, AnyFunction>
  const { override, extend, beforeAll, afterAll, aroundAll, aroundEach } = api
  const asValues = (given: unknown[]): unknown[] => {
    const [name, value] = given
    const isValue = given.length === 2 && OPTION_FIXTURES.includes(name) && typeof value !== 'function'
    return isValue ? [{ [name as string]: value }] : given
  }
  api.override = function (...given) {
    overrides.note(given)
    return override.apply(this, asValues(given))
  }
  api.extend = function (...given) {
    return takingValues(extend.apply(this, outlivingFailedStarts(asValues(given))) as object, overrides)
  }
  const start = (): StartForSuite => {
    const options = overrides.get()
    return async ({ $fileServers: file, $workerServers: worker }, timeout) => {
      const { serverOfSuite } = await import('./test-servers.ts')
      return serverOfSuite(options, { file, worker }, typeof timeout === 'number' ? timeout : inject('perfHookTimeout'))
    }
  }
  api.beforeAll = withSharedServer(beforeAll, start)
  api.afterAll = withSharedServer(afterAll, start)
  api.aroundAll = withSharedServer(aroundAll, start, 1)
  api.aroundEach = keepingAttempt(aroundEach)
  return test
}
