import './vitest/artifacts.ts'
import './vitest/matchers.ts'

export { describe, expect } from 'vitest'
export {
  ComparisonError,
  LoadError,
  MemoryError,
  PerfAbortError,
  PerfError,
  PerfOptionsError,
  PortInUseError,
  ServerExitedError,
  ServerStartError,
} from './errors.ts'
export { LoadGenerator } from './load/spec/load-generator.ts'
export { MemoryMonitor } from './memory/monitor.ts'
export { mergeLatency } from './results/merged-latency.ts'
export { resolveServerUrl } from './vitest/current-test.ts'
export { test, test as it } from './vitest/fixtures.ts'
export { checkServerHealth, readData, startServer } from './vitest/standalone.ts'

export type { CompareBase, CompareLoad, CompareOptions, CompareTolerance } from './compare/compare-options.ts'
export type { RegressOptions } from './compare/regression.ts'
export type { OptionIssue, PerfErrorCode, ServerFailure, HealthAttempt } from './errors.ts'
export type { OnLoadProgress } from './load/spec/load-generator.ts'
export type { AnswerCheck, BodyCheck, JsonValue } from './load/plan/answer-check.ts'
export type {
  ExpectedStatus,
  LoadBody,
  LoadHeaders,
  LoadOptions,
  LoadOrder,
  LoadProtocol,
  LoadRequest,
  LoadStage,
  LoadTls,
  LoadWarmup,
} from './load/plan/load-options.ts'
export type { EngineName } from './load/plan/engine-choice.ts'
export type { LoadOptionsOf, ScenarioData, ScenarioNames } from './load/plan/scenario-types.ts'
export type { LocustEngine } from './load/plan/locust-options.ts'
export type * from './load/plan/virtual-user.ts'
export type { LeakOptions } from './memory/leak-description.ts'
export type { MeasureOptions, MemoryConfig } from './memory/memory-options.ts'
export type { Duration } from './units.ts'
export type {
  ComparedMetric,
  ComparedMetricName,
  ComparedServer,
  Comparison,
  ComparisonObstacle,
  ComparisonVerdict,
} from './results/comparison.ts'
export type { CapacityOptions } from './load/plan/capacity-options.ts'
export type { Capacity, CapacityLimit, CapacityStep } from './results/capacity.ts'
export type { LoadPlanSummary } from './results/load-plan-summary.ts'
export type * from './results/load-result.ts'
export type * from './results/memory-result.ts'
export type * from './results/profile-result.ts'
export type {
  LoadFigure,
  CapacityFigure,
  MemoryFigure,
  ThresholdExpression,
  ThresholdOutcome,
  Thresholds,
} from './results/threshold.ts'
export type { HealthCheckOptions, HealthCheckResult } from './server/health.ts'
export type { PerfServer, ServerEnd } from './server/perf-server.ts'
export type { HealthOptions, HealthStatus, ServerOptions, ShutdownOptions } from './server/server-options.ts'
export type * from './vitest/artifacts.ts'
export type { TlsOptions } from './tls.ts'
export type { PerfFixtures } from './vitest/fixtures.ts'
