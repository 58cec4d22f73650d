// All that a watch needs, in one import.
export { findSource, sourceOfServer } from './find-source.ts'
export { measureCalls } from './measure-calls.ts'
export { resolveMemoryOptions } from './memory-options.ts'
export { MemoryWatch } from './memory-watch.ts'
