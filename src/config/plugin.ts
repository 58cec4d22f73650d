import { statSync } from 'node:fs'
import { fileURLToPath, URL } from 'node:url'
import type { Plugin, ViteUserConfig } from 'vitest/config'
import type { TestProject } from 'vitest/node'
import { isOwnFrame } from '../errors.ts'
import type { ReportOptions } from '../report/report-options.ts'
import { readBundleId } from '../load/bundle/bundle-module.ts'
import type { ScenarioProject } from '../load/bundle/bundle-scenario.ts'
import { loadBundleModule, scenarioProject } from './scenario-bundles.ts'
import { rejectIssues } from '../option-issues.ts'
import { parseSettings } from '../settings.ts'
import { showsAttachments } from './page-viewers.ts'
import { findPluginOptionIssues, type PerfPluginOptions } from './plugin-options.ts'

const TEST_TIMEOUT = 60_000
const HOOK_TIMEOUT = 30_000

/** Vitest's own defaults. */
const VITEST_TEST_TIMEOUT = 5_000
const VITEST_HOOK_TIMEOUT = 10_000

const reporterModule = fileURLToPath(new URL('../reporter.js', import.meta.url))
/** As Vitest writes paths, on Windows too. */
const setupModule = fileURLToPath(new URL('../vitest/setup.js', import.meta.url)).replaceAll('\\', '/')
/**
 * Has the setup module go through Vite, which scenarios are bundled by. Vitest does so with the setup files of a config, but
 * Vitest 5 not with those that `configureVitest` adds to a project that shares the server of another.
 */
const SETUP_IN_PACKAGES = /\/vitest-plugin-perf\/dist\/vitest\/setup\.js$/

type TestConfig = NonNullable<ViteUserConfig['test']>
type Timeouts = { readonly [Key in 'testTimeout' | 'hookTimeout']?: number | undefined }

/** What the reporter reads from the plugin, since `--reporter=perf` brings no options of its own. */
export interface PerfPluginApi {
  /** Options of the reporter, as `perf({ report })` has them. */
  report: ReportOptions
}

/**
 * The Vite plugin that goes into `vitest.config.ts`. It makes `--reporter=perf` known, registers the matchers, and hands its
 * options to the fixtures. Under `test.globals` the global `test` and `it` are the extended ones. Where the config sets
 * none, `testTimeout` is 60 000 ms and `hookTimeout` 30 000 ms.
 *
 * @throws {PerfOptionsError} while Vitest starts, with every mistake in the options and in our environment variables.
 */
export function perf(options: PerfPluginOptions = {}): Plugin<PerfPluginApi> {
  /** What the user wrote of a project: a timeout that happens to be Vitest's default is not raised. */
  let writtenFor: (project: string) => Timeouts = () => ({})
  let scenarios: ScenarioProject = { root: process.cwd() }
  let writtenLocation: boolean | undefined
  return {
    name: 'vitest-plugin-perf',
    enforce: 'pre',
    api: { report: options?.report ?? {} },
    resolveId(id, importer) {
      if (readBundleId(id)) return `\0${id}`
      return id === 'perf' && isNoModule(importer) ? reporterModule : undefined
    },
    load(id) {
      return loadBundleModule(id, scenarios)
    },
    configResolved(config) {
      scenarios = scenarioProject(config)
    },
    configureVitest({ project, vitest }) {
      const { config } = project
      nameReporter(vitest.config.reporters)
      project.provide('perfRoot', config.root)
      project.provide('perfDefine', definesOf(config))
      const run = { root: vitest.config.root, vitest: vitest.version }
      project.provide('perfPages', showsAttachments(vitest.config, reporterModule) ? run : null)
      hideOwnFrames(config)
      // An error that no line of a test led to (a server that does not start) is shown at its test.
      if (writtenLocation !== false) config.includeTaskLocation = true
      // Vitest 5 makes projects without plugins of their own from what the user wrote, not from what `config` below returns.
      if (!config.setupFiles.includes(setupModule)) {
        config.setupFiles = [setupModule, ...config.setupFiles]
        const written = writtenFor(project.name)
        if (config.testTimeout === VITEST_TEST_TIMEOUT && !written.testTimeout) config.testTimeout = TEST_TIMEOUT
        if (config.hookTimeout === VITEST_HOOK_TIMEOUT && !written.hookTimeout) config.hookTimeout = HOOK_TIMEOUT
      }
      // Here it wins on both majors over the command line as well.
      config.testTimeout = parseSettings(process.env).settings.testTimeout ?? config.testTimeout
      project.provide('perfHookTimeout', config.hookTimeout)
    },
    config(user) {
      rejectIssues('options of vitest-plugin-perf', [
        ...findPluginOptionIssues(options),
        ...parseSettings(process.env).issues,
      ])
      // Set, not returned: Vite would merge them into those of the plugin in a root config that this project extends.
      const { provide = {} } = (user.test ??= {})
      user.test.provide = {
        ...provide,
        serverOptions: options.server ?? provide.serverOptions ?? {},
        loadOptions: options.load ?? provide.loadOptions ?? {},
        memoryOptions: options.memory ?? provide.memoryOptions ?? {},
        compareOptions: options.compare ?? provide.compareOptions ?? {},
      }
      writtenFor = readTimeouts(user.test)
      writtenLocation = user.test.includeTaskLocation
      return {
        environments: { ssr: { resolve: { noExternal: [SETUP_IN_PACKAGES] } } },
        test: {
          testTimeout: user.test?.testTimeout ?? TEST_TIMEOUT,
          hookTimeout: user.test?.hookTimeout ?? HOOK_TIMEOUT,
          setupFiles: [setupModule],
        },
      }
    },
  }
}

/** Makes the name `perf` known where the plugin stands in a project: Vitest asks only the plugins of the root config for it. */
function nameReporter(reporters: unknown[]): void {
  for (const [index, reporter] of reporters.entries()) {
    if (reporter === 'perf') reporters[index] = reporterModule
    else if (Array.isArray(reporter) && reporter[0] === 'perf')
      reporters[index] = [reporterModule, ...reporter.slice(1)]
  }
}

/**
 * What a project replaces in its sources, as text of code. Vitest has taken it out of the config of Vite, and projects that
 * share a server of Vite differ in it.
 */
function definesOf(config: TestProject['config']): Record<string, string> {
  const { defines = {} } = config as { defines?: Readonly<Record<string, unknown>> }
  const texts = Object.entries(defines).map(([name, value]) => [name, JSON.stringify(value) as string | undefined])
  return Object.fromEntries(texts.filter(([, text]) => text !== undefined)) as Record<string, string>
}

/** Leaves this package's own frames out of the stacks that any reporter shows. The user's own filter is asked about the others. */
function hideOwnFrames(config: TestProject['config']): void {
  const { onStackTrace } = config
  config.onStackTrace = (error, frame) => (isOwnFrame(frame.file) ? false : onStackTrace?.(error, frame))
}

/** Reads off a config what it says of the timeouts of a project in it, by the project's name. */
function readTimeouts(test: TestConfig = {}): (project: string) => Timeouts {
  const { testTimeout, hookTimeout, projects = [] } = test
  const inline = projects.flatMap((project) => (typeof project === 'object' && 'test' in project ? [project.test] : []))
  return (name) => {
    const own = inline.find(
      (project) => (typeof project?.name === 'object' ? project.name.label : project?.name) === name,
    )
    return { testTimeout: own?.testTimeout ?? testTimeout, hookTimeout: own?.hookTimeout ?? hookTimeout }
  }
}

/** Vitest asks for a reporter in the name of the project's folder; a module that asks means a package called so. */
function isNoModule(importer: string | undefined): boolean {
  return importer === undefined || statSync(importer, { throwIfNoEntry: false })?.isDirectory() === true
}
