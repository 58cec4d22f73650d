import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import type { Major } from './installed-package.ts'
import { leftoversAfter, type Leftover } from './leftovers.ts'
import { runVitest, type Pool, type Run } from './run-vitest.ts'

// A start of Vitest costs more than most of what is tested in it. So the cases of a test file are the projects of one run: each has
// a folder, options of the plugin and a pool of its own, and only the main process is shared.

/** What `runVitest` takes and a project can have of its own. */
export interface Case {
  /** File name to source, in the folder of the case. A spec's `process.cwd()` is the folder above. */
  files: Record<string, string>
  /** Source of the argument of `perf(…)`. */
  perf?: string
  /** Source of further entries of the project's `test: { … }`. */
  test?: string
  /** Source of further plugins. */
  plugins?: string
  /** Source of further entries of the project, such as `resolve: { … },`; `root` is the folder of the case. */
  config?: string
  pool?: Pool
}

/** One case of a run that is over. */
export interface CaseRun {
  /** 0 if all of its tests passed. */
  exitCode: 0 | 1
  /** What its specs printed, its failures with name, message, frames and causes, and the line `Tests …`. */
  output: string
  /** Milliseconds from the start of its first file to the end of its last. */
  duration: number
  /** The folder of the case. */
  project: string
  /** What the perf reporter printed of the whole run, where `casesOn` was asked for it. */
  report: string
  /** Living processes of this case after `milliseconds` (default 2 000). */
  leftovers(milliseconds?: number): Promise<Leftover[]>
}

type Told = Record<string, Pick<CaseRun, 'exitCode' | 'output' | 'duration'> | undefined>

/** Registers a test on a case. */
export type CaseTest = (name: string, given: Case, look: (run: CaseRun) => void | Promise<void>) => void

const COOKIE = 'PERF_E2E_CASE'

// Tells each project's story apart. Vitest's own reporters print one after the other what ran at the same time.
const REPORTER = `
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'

const told = {}
const storyOf = (project) => (told[project.name] ??= { project, printed: '', failures: '', counts: {}, from: Infinity, to: 0 })

function describeError(error, root) {
  const frames = (error.stacks ?? []).map(({ file, line, column }) => ' ❯ ' + relative(root, file) + ':' + line + ':' + column + '\\n')
  const cause = error.cause ? 'Caused by: ' + describeError(error.cause, root) : ''
  return error.name + ': ' + error.message + '\\n' + frames.join('') + cause
}

export class Reporter {
  onInit(vitest) {
    this.vitest = vitest
  }
  onUserConsoleLog({ content, taskId, type }) {
    const task = taskId && this.vitest.state.getReportedEntityById?.(taskId)
    const module = task?.type === 'module' ? task : task?.module
    if (!module) return void (told[''] = (told[''] ?? '') + content)
    const names = task === module ? '' : ' > ' + task.fullName
    storyOf(module.project).printed += type + ' | ' + module.relativeModuleId + names + '\\n' + content + '\\n'
  }
  onTestModuleStart(module) {
    const story = storyOf(module.project)
    story.from = Math.min(story.from, performance.now())
  }
  onTestModuleEnd(module) {
    const story = storyOf(module.project)
    story.to = performance.now()
    const fail = (task, name) => {
      for (const error of task.type === 'test' ? task.result().errors : task.errors()) {
        story.failures += ' FAIL  ' + name + '\\n' + describeError(error, module.project.config.root) + '\\n'
        story.failed = true
      }
    }
    fail(module, module.relativeModuleId)
    for (const suite of module.children.allSuites()) fail(suite, module.relativeModuleId + ' > ' + suite.fullName)
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      story.counts[state] = (story.counts[state] ?? 0) + 1
      if (state === 'failed') fail(test, module.relativeModuleId + ' > ' + test.fullName)
    }
  }
  onTestRunEnd(modules, unhandled) {
    const errors = unhandled.map((error) => 'Unhandled Error of the run: ' + describeError(error, '/') + (error.stack ?? '') + '\\n').join('')
    const stories = Object.entries(told).filter(([name]) => name !== '').map(([name, { printed, failures, failed, counts, from, to }]) => {
      const states = ['failed', 'passed', 'skipped'].filter((state) => counts[state]).map((state) => counts[state] + ' ' + state)
      const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
      const output = printed + failures + errors + '  Tests  ' + states.join(' | ') + ' (' + all + ')\\n'
      return [name, { output, exitCode: failed || counts.failed || errors ? 1 : 0, duration: to - from }]
    })
    writeFileSync('told.json', JSON.stringify(Object.fromEntries(stories)))
    if (errors) console.log(errors)
  }
}
`

function sourceOf(name: string, given: Case, workers: number): string {
  const { perf = '', plugins = '', config = '', test: entries = '', pool = 'forks' } = given
  return `((root) => ({
  ${config}
  root,
  plugins: [perf(${perf}), ${plugins}],
  test: {
    name: '${name}',
    include: ['**/*.{test,perf,spec}.{ts,js}'],
    pool: '${pool}',
    maxWorkers: ${workers},
    env: { ${COOKIE}: '${name}' },
    ${entries}
  },
}))(fileURLToPath(new URL('./${name}/', import.meta.url)))`
}

function configOf(cases: readonly (readonly [string, Case])[], workers: number, report: boolean): string {
  return `import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import perf from 'vitest-plugin-perf/plugin'
import { Reporter } from './reporter.mjs'
export default defineConfig({
  test: {
    maxWorkers: ${workers},
    reporters: [${report ? `'vitest-plugin-perf/reporter', ` : ''}new Reporter()],
    projects: [${cases.map(([name, given]) => sourceOf(name, given, workers)).join(',\n')}],
  },
})
`
}

/**
 * Returns what registers tests of this suite whose cases run in one Vitest, `workers` files at a time: what waits takes no time of
 * the others. A case that judges times, or that ends Vitest itself, needs a run of its own.
 */
export function casesOn(major: Major, { workers = 3, report = false, timeout = 200_000 } = {}): CaseTest {
  const cases: (readonly [string, Case])[] = []
  let run: Run
  let told: Told = {}

  beforeAll(async () => {
    const files = cases.flatMap(([name, given]) =>
      Object.entries(given.files).map(([file, source]) => [`${name}/${file}`, source] as const),
    )
    run = await runVitest({
      major,
      reporter: '',
      timeout,
      files: {
        'vitest.config.ts': configOf(cases, workers, report),
        'reporter.mjs': REPORTER,
        ...Object.fromEntries(files),
      },
    })
    told = JSON.parse(await readFile(join(run.project, 'told.json'), 'utf8').catch(() => '{}')) as Told
  }, timeout + 10_000)

  test('the run of these cases ends by itself, and nothing is left of it', async () => {
    expect(run.timedOut).toBe(false)
    expect(run.output).not.toMatch(/Unhandled|uncaught/i)
    expect(Object.keys(told), run.output).toHaveLength(cases.length)
    expect(await run.leftovers()).toEqual([])
  })

  return (title, given, look) => {
    const name = `case-${cases.length + 1}-${randomUUID().slice(0, 8)}`
    cases.push([name, given])
    test(title, async () => {
      const story = told[name]
      if (!story) throw new Error(`nothing ran of this case:\n${run.output}`)
      const leftovers = (milliseconds = 2_000) => leftoversAfter(`${COOKIE}=${name}`, milliseconds)
      await look({ ...story, project: join(run.project, name), report: run.output, leftovers })
    })
  }
}
