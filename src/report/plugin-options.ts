import type { Vitest } from 'vitest/node'
import type { ReportOptions } from './report-options.ts'

/** The name under which the plugin is found in Vite's list, and where it keeps what the reporter is to know. */
const PLUGIN_NAME = 'vitest-plugin-perf'

/** `report` of `perf({ report })`, or nothing where the plugin is not used. */
export function pluginReportOptions(vitest: Vitest): ReportOptions {
  const plugins: readonly { name: string; api?: unknown }[] = vitest.vite.config.plugins
  const plugin = plugins.find(({ name }) => name === PLUGIN_NAME)
  return (plugin?.api as { report?: ReportOptions } | undefined)?.report ?? {}
}
