import type { HealthAttempt } from '../errors.ts'
import { loadName } from '../results/load-plan-summary.ts'
import type { LoadResult } from '../results/load-result.ts'
import type { MemoryResult } from '../results/memory-result.ts'
import type { ThresholdOutcome } from '../results/threshold.ts'
import type {
  MeasurementOutcome,
  PerfArtifact,
  PerfAttemptArtifact,
  PerfLoadArtifact,
  PerfMemoryArtifact,
  PerfServerArtifact,
  PerfThresholdArtifact,
} from '../vitest/artifacts.ts'
import type { MeasurementEntry } from './measurement-kind.ts'
import { kindOf } from './measurement-kinds.ts'
import { recorded, type Recorded } from './recorded.ts'

type TestState = 'passed' | 'failed' | 'skipped' | 'pending'

/** An error that a test failed with. */
export interface ReportedError {
  name: string
  message: string
  /** Of an error of this package, such as `PERF_SERVER_START`. */
  code?: string
}

/** All that a report needs of one Vitest test. */
export interface TestRecord {
  /** The project's name; empty for the only one. */
  project: string
  /** Relative to Vitest's root, with forward slashes. */
  file: string
  /** Names of the suites around the test, and its own. */
  path: string[]
  location?: { line: number; column: number }
  state: TestState
  duration: number
  retries: number
  /** `test.fails`: it passes because it fails. */
  expectedToFail?: true
  errors: ReportedError[]
  artifacts: readonly unknown[]
}

export interface LoadEntry {
  id: string
  attempt: number
  title: string
  outcome: MeasurementOutcome
  plan: PerfLoadArtifact['plan']
  result: Recorded<LoadResult>
  error?: string
}

export interface MemoryEntry {
  id: string
  attempt: number
  title: string
  target: string
  outcome: MeasurementOutcome
  result: Recorded<MemoryResult>
  error?: string
}

/** A server's life: all of its events, folded. */
export interface ServerEntry {
  id: string
  attempt: number
  source: string
  url?: string
  pid?: number
  state: PerfServerArtifact['event']
  /** Milliseconds from spawn to healthy, of its last start. */
  readyAfter: number | null
  crashes: number
  exitCode?: number | null
  exitSignal?: string | null
  output?: string
  error?: string
  /** What the last health check found: `GET http://127.0.0.1:4100/healthz answered 404`. */
  lastAttempt?: string
  /** The line of its output that names the fault. */
  fault?: string
}

export interface ThresholdEntry extends Recorded<ThresholdOutcome> {
  attempt: number
  /** `id` of the load or memory watch that was judged, where it is known. */
  measurement?: string
  title: string
}

/** A test with its measurements. Plain JSON; the same live, after a time-out and after `--merge-reports`. */
export interface TestSummary {
  project: string
  file: string
  path: string[]
  location?: { line: number; column: number }
  state: TestState
  duration: number
  retries: number
  /** `test.fails`: it passes because it fails. */
  expectedToFail?: true
  errors: ReportedError[]
  loads: LoadEntry[]
  memory: MemoryEntry[]
  servers: ServerEntry[]
  thresholds: ThresholdEntry[]
  /** How many expectations the body of the last attempt stated, where that is known. */
  assertions?: { attempt: number; count: number }
  /** Entries of further kinds of measurement, by the name of the kind. */
  measurements: Record<string, MeasurementEntry[]>
}

export interface RunSummary {
  /** All tests of the run, with measurements or without. */
  counts: { total: number; passed: number; failed: number; skipped: number; pending: number }
  /** Failures that belong to no test: of files, of suites, and errors that nobody caught. */
  failuresOutside: number
  /** The tests that measured something or started a server, by project, file and order in the file. */
  tests: TestSummary[]
}

const PREFIX = 'perf:'

function isPerfArtifact(artifact: unknown): artifact is PerfArtifact {
  const type = (artifact as { type?: unknown } | null)?.type
  return typeof type === 'string' && type.startsWith(PREFIX)
}

/** The whole run as a fold over its artifacts. */
export function summarizeRun(records: readonly TestRecord[], failuresOutside = 0): RunSummary {
  const tests = records.map((record) => ({ record, test: summarizeTest(record) }))
  return runSummary(tests, failuresOutside)
}

/** The run of tests that were summarized already. */
export function runSummary(
  all: readonly { record: TestRecord; test: TestSummary | undefined }[],
  failuresOutside: number,
): RunSummary {
  const counts = { total: all.length, passed: 0, failed: 0, skipped: 0, pending: 0 }
  for (const { record } of all) counts[record.state] += 1
  const tests = all.flatMap(({ test }, order) => (test ? [{ test, order }] : []))
  tests.sort(
    (a, b) => compare(a.test.project, b.test.project) || compare(a.test.file, b.test.file) || a.order - b.order,
  )
  return { counts, failuresOutside, tests: tests.map(({ test }) => test) }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** One test, or `undefined` where it has no perf artifact and did not fail with an error of ours. */
export function summarizeTest(record: TestRecord): TestSummary | undefined {
  const artifacts = record.artifacts.filter(isPerfArtifact).filter((artifact) => artifact.type !== 'perf:progress')
  const failedBefore = record.state === 'failed' && record.errors.some(({ code }) => code?.startsWith('PERF_'))
  if (artifacts.length === 0 && !failedBefore) return undefined
  const { artifacts: _, ...test } = record
  const summary: TestSummary = { ...test, loads: [], memory: [], servers: [], thresholds: [], measurements: {} }
  const name = record.path.at(-1) ?? ''
  for (const artifact of artifacts) {
    if (artifact.type === 'perf:load') addLoad(summary, artifact)
    else if (artifact.type === 'perf:attempt') addAttempt(summary, artifact)
    else if (artifact.type === 'perf:memory') addMemory(summary, artifact, name)
    else if (artifact.type === 'perf:server') addServer(summary, recorded(artifact) as PerfServerArtifact)
    else if (artifact.type === 'perf:threshold') addThresholds(summary, artifact, name)
    else addMeasurement(summary, artifact, name)
  }
  return summary
}

function addAttempt(summary: TestSummary, { attempt, assertions }: PerfAttemptArtifact): void {
  summary.assertions = { attempt, count: assertions }
}

function addLoad(summary: TestSummary, artifact: PerfLoadArtifact): void {
  const { id, attempt, outcome, plan, error } = artifact
  const title = artifact.result.title ?? loadName({ url: artifact.result.url, ...plan })
  summary.loads.push({
    id,
    attempt,
    title,
    outcome,
    plan: recorded(plan) as PerfLoadArtifact['plan'],
    result: recorded(artifact.result),
    ...(error === undefined ? {} : { error }),
  })
  for (const outcome of artifact.thresholds ?? []) addThreshold(summary, { attempt, measurement: id, title }, outcome)
}

function addMemory(summary: TestSummary, artifact: PerfMemoryArtifact, name: string): void {
  const { id, attempt, outcome, target, error } = artifact
  summary.memory.push({
    id,
    attempt,
    title: artifact.result.title ?? name,
    target,
    outcome,
    result: recorded(artifact.result),
    ...(error === undefined ? {} : { error }),
  })
}

function addServer(summary: TestSummary, artifact: PerfServerArtifact): void {
  const { type: _, event, readyAfter, id, attempt, source, ...rest } = artifact
  let server = summary.servers.find((known) => known.id === id && known.attempt === attempt)
  if (!server) {
    server = { id, attempt, source, state: event, readyAfter: null, crashes: 0 }
    summary.servers.push(server)
  }
  const { url, pid, exitCode, exitSignal, output, error, fault } = rest
  const lastAttempt = rest.lastAttempt && attemptSentence(rest.lastAttempt)
  Object.assign(server, definedOnly({ url, pid, exitCode, exitSignal, output, error, lastAttempt, fault }))
  // What a server that died left behind stays its state: that it was also stopped afterwards is no news.
  if (!(event === 'stopped' && server.crashes > 0)) server.state = event
  if (typeof readyAfter === 'number') server.readyAfter = readyAfter
  if (event === 'exited') server.crashes += 1
}

/** What was asked and what came back, with the words of the server. */
function attemptSentence({ asked, answered, body }: HealthAttempt): string {
  return `${asked} ${answered}${body === undefined ? '' : `: ${JSON.stringify(body)}`}`
}

function addMeasurement(summary: TestSummary, artifact: { type: string }, name: string): void {
  const kind = kindOf(artifact.type)
  if (kind) (summary.measurements[kind.name] ??= []).push(recorded(kind.entry(artifact, name)) as MeasurementEntry)
}

function definedOnly<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Partial<T>
}

function addThresholds(summary: TestSummary, artifact: PerfThresholdArtifact, name: string): void {
  const { attempt, measurement } = artifact
  const judged = [...summary.loads, ...summary.memory].find((entry) => entry.id === measurement)
  const title = artifact.title ?? judged?.title ?? name
  const origin = { attempt, title, ...(measurement === undefined ? {} : { measurement }) }
  for (const outcome of artifact.outcomes) addThreshold(summary, origin, outcome)
}

function addThreshold(
  summary: TestSummary,
  origin: { attempt: number; title: string; measurement?: string },
  outcome: ThresholdOutcome,
): void {
  const entry: ThresholdEntry = { ...origin, ...recorded(outcome) }
  const known = summary.thresholds.some(
    (other) =>
      entry.measurement !== undefined &&
      other.measurement === entry.measurement &&
      other.attempt === entry.attempt &&
      other.metric === entry.metric &&
      other.expression === entry.expression &&
      other.value === entry.value,
  )
  // A load's own thresholds that the spec then asserts again are one promise, not two.
  if (!known) summary.thresholds.push(entry)
}

/** The name a person knows the test by. */
export function testName(test: { path: string[] }): string {
  return test.path.join(' > ')
}

/** The last attempt that left something behind: what the test's state speaks of. */
export function lastAttempt(test: TestSummary): number {
  const further = Object.values(test.measurements).flat()
  const all = [...test.loads, ...test.memory, ...test.servers, ...test.thresholds, ...further]
  return Math.max(0, ...all.map((entry) => entry.attempt))
}
