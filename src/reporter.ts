// By a name and not by a path: Vitest loads a reporter through Vite, which transforms every module it reaches by path, one
// by one, and leaves alone what it reaches by name. That is a quarter of a second of every run.
export { PerfReporter, PerfReporter as default } from '#perf-reporter'
