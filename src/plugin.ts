export { perf, perf as default, type PerfPluginApi } from './config/plugin.ts'
export type { PerfPluginOptions } from './config/plugin-options.ts'
export type { ReportOptions } from './report/report-options.ts'
