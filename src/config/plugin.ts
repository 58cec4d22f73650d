import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vitest/config'
import type { ReportOptions } from '../report/report-options.ts'
import { rejectIssues } from '../option-issues.ts'
import { ENVIRONMENT, findEnvironmentIssues, readMilliseconds } from './environment.ts'
import { findPluginOptionIssues, type PerfPluginOptions } from './plugin-options.ts'

const TEST_TIMEOUT = 60_000
const HOOK_TIMEOUT = 30_000

const reporterModule = fileURLToPath(new URL('../reporter.js', import.meta.url))
const setupModule = fileURLToPath(new URL('../vitest/setup.js', import.meta.url))

/** What the reporter reads from the plugin, since `--reporter=perf` brings no options of its own. */
export interface PerfPluginApi {
  report: ReportOptions
}

/**
 * The Vite plugin that goes into `vitest.config.ts`. It makes `--reporter=perf` known, hands its options to the fixtures,
 * registers the matchers, makes the global `test` and `it` the extended ones under `test.globals`, and raises Vitest's
 * default `testTimeout` to 60 000 ms and `hookTimeout` to 30 000 ms where the config sets none.
 *
 * @throws {PerfOptionsError} while Vitest starts, with every mistake in the options and in our environment variables.
 */
export function perf(options: PerfPluginOptions = {}): Plugin<PerfPluginApi> {
  return {
    name: 'vitest-plugin-perf',
    enforce: 'pre',
    api: { report: options?.report ?? {} },
    resolveId(id, importer) {
      return id === 'perf' && isNoModule(importer) ? reporterModule : undefined
    },
    configureVitest({ project }) {
      project.provide('perfRoot', project.config.root)
    },
    config(user) {
      rejectIssues('options of vitest-plugin-perf', [
        ...findPluginOptionIssues(options),
        ...findEnvironmentIssues(process.env),
      ])
      // Set, not returned: Vite would merge them into those of the plugin in a root config that this project extends.
      const { provide = {} } = (user.test ??= {})
      user.test.provide = {
        ...provide,
        serverOptions: options.server ?? provide.serverOptions ?? {},
        loadOptions: options.load ?? provide.loadOptions ?? {},
        memoryOptions: options.memory ?? provide.memoryOptions ?? {},
      }
      const environment = readMilliseconds(ENVIRONMENT.testTimeout, process.env)
      return {
        test: {
          testTimeout: environment ?? user.test?.testTimeout ?? TEST_TIMEOUT,
          hookTimeout: user.test?.hookTimeout ?? HOOK_TIMEOUT,
          setupFiles: [setupModule],
        },
      }
    },
  }
}

/** Vitest asks for a reporter in the name of the project's folder; a module that asks means a package called so. */
function isNoModule(importer: string | undefined): boolean {
  return importer === undefined || statSync(importer, { throwIfNoEntry: false })?.isDirectory() === true
}
