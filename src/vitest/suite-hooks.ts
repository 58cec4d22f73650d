import { PerfOptionsError } from '../errors.ts'
import { optionIssue } from '../option-issues.ts'
import type { PerfServer } from '../server/perf-server.ts'
import type { SharedServers } from './shared-servers.ts'

type AnyFunction = (this: unknown, ...given: unknown[]) => unknown

interface SuiteContext {
  readonly $fileServers: SharedServers
  readonly $workerServers: SharedServers
}

/** Starts the server that the tests of a file share. */
export type StartForSuite = (context: SuiteContext, timeout: unknown) => Promise<PerfServer>

/** Where a hook takes its fixtures: `test.aroundAll` is handed the function that runs the suite before them. */
export type FixturesAt = 0 | 1

const PATTERNS: Record<FixturesAt, RegExp> = {
  0: /^[^({]*(?:\([^)]*?)?\(\s*\{([^}]*)\}/,
  1: /^[^({]*\(\s*[\w$]+\s*,\s*\{([^}]*)\}/,
}

/** The names in the parameter of a function that takes fixtures, where it is a pattern: as Vitest reads them. */
export function namesIn(fn: AnyFunction, at: FixturesAt = 0): string[] {
  const source = String(fn).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  const pattern = PATTERNS[at].exec(source)?.[1] ?? ''
  return pattern
    .split(',')
    .map((name) => name.replace(/[:=][\s\S]*/, '').trim())
    .filter(Boolean)
}

/**
 * `beforeAll`, `afterAll` or `aroundAll` of `test` with the `server` that the tests of a file share. To Vitest `server` is a fixture of
 * each test, which no hook of a suite can have: it is asked for what the shared servers hang on instead.
 */
export function withSharedServer(hook: AnyFunction, start: () => StartForSuite, at: FixturesAt = 0): AnyFunction {
  return function (fn, ...rest) {
    const names = typeof fn === 'function' ? namesIn(fn as AnyFunction, at) : []
    if (!names.includes('server')) return hook.call(this, fn, ...rest)
    const startForSuite = start()
    const adapted = async (...given: unknown[]) => {
      const context = given[at] as SuiteContext
      const server = await startForSuite(context, rest[0])
      return (fn as AnyFunction)(...given.with(at, Object.assign(Object.create(context) as object, { server })))
    }
    const others = names.filter((name) => name !== 'server')
    // What Vitest reads off to know which fixtures to hand over.
    const pattern = `{ ${[...others, '$fileServers', '$workerServers'].join(', ')} }`
    adapted.toString = () => (at === 0 ? `(${pattern}) => {}` : `(run, ${pattern}) => {}`)
    return hook.call(this, adapted, ...rest)
  }
}

/** The mistake of asking for a server in a hook of a suite that its tests do not share. */
export function unsharedServer(scope: unknown): PerfOptionsError {
  const expected =
    "'file' or 'worker' where `test.beforeAll`, `test.afterAll` or `test.aroundAll` asks for `server`, since each test has a server of its own " +
    'otherwise (or use `test.beforeEach`, or start one with `startServer(…)`)'
  return new PerfOptionsError('server options', [optionIssue('server.scope', expected, scope)])
}
