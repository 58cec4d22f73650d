import './vitest/artifacts.ts'
import './vitest/matchers.ts'

export { describe, expect } from 'vitest'
export {
  LoadError,
  MemoryError,
  PerfAbortError,
  PerfError,
  PerfOptionsError,
  PortInUseError,
  ServerExitedError,
  ServerStartError,
} from './errors.ts'
export type { OptionIssue, PerfErrorCode, ServerFailure } from './errors.ts'
