export { PerfReporter, PerfReporter as default } from './report/perf-reporter.ts'
