import type { Vitest } from 'vitest/node'
import type { ReportOptions } from './report-options.ts'

/** The name under which the plugin is found in Vite's list, and where it keeps what the reporter is to know. */
const PLUGIN_NAME = 'vitest-plugin-perf'

interface Server {
  config: { plugins: readonly { name: string; api?: unknown }[] }
}

/** `report` of `perf({ report })` of the root config, then of the projects, option by option; nothing where the plugin is not used. */
export function pluginReportOptions({ vite, projects }: Pick<Vitest, 'vite' | 'projects'>): ReportOptions {
  const servers: readonly Server[] = [vite, ...projects.map((project) => project.vite)]
  return servers
    .map(({ config }) => config.plugins.find(({ name }) => name === PLUGIN_NAME))
    .map((plugin) => (plugin?.api as { report?: ReportOptions } | undefined)?.report ?? {})
    .reduceRight((others, options) => ({ ...others, ...definedOnly(options) }), {})
}

function definedOnly(options: ReportOptions): ReportOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
