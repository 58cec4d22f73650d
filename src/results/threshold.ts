import { findFigureMistake, readFigure, type FigureKind, type KnownNames } from './figures.ts'
import { markPosition } from './figure-path.ts'
import type { LoadProgress, NameResult } from './load-result.ts'
import type { NodeMemoryResult } from './memory-result.ts'
import type { ProfileWait } from './profile-result.ts'

/** A condition on one figure, such as `<50`. */
export interface ThresholdCondition {
  operator: '<' | '<=' | '>' | '>=' | '=='
  bound: number
  expression: string
}

/** An operator (`<`, `<=`, `>`, `>=`, `==`) and a number. */
export type ThresholdExpression = `${ThresholdCondition['operator']}${'' | ' '}${number}`

/** Paths to the numbers of `T`. */
type FigureOf<T, Path extends string> = [T] extends [number | null | undefined]
  ? Path
  : [T] extends [string | boolean | undefined]
    ? never
    : NonNullable<T> extends readonly (infer E)[]
      ? FigureOf<E, `${Path}[${number}]`>
      : string extends keyof NonNullable<T>
        ? FigureOf<NonNullable<T>[string], `${Path}["${string}"]`>
        : FiguresOf<NonNullable<T>, `${Path}.`>

type FiguresOf<T, Prefix extends string> = {
  [Field in keyof T & string]-?: FigureOf<T[Field], `${Prefix}${Field}`>
}[keyof T & string]

type Wait = Exclude<keyof ProfileWait, 'what' | 'kind' | 'location'>

/**
 * A figure of a load by its path. Names stand between brackets as JSON strings: `byName["GET /items/:id"].latency.p95`,
 * `checks["has a price"].rate`, `waits["GET inventory/:id"].perRequest`; statuses as keys: `statusCodes.503`.
 */
export type LoadFigure =
  | FiguresOf<Omit<LoadProgress, 'statusCodes' | 'latencySpectrum' | 'latencyHistogram' | 'byName' | 'profile'>, ''>
  | FiguresOf<Omit<NameResult, 'statusCodes' | 'latencyHistogram' | 'samples'>, `byName["${string}"].`>
  | `${'' | `byName["${string}"].`}statusCodes.${number}`
  | `byName["${string}"].samples[${number}].${'requests' | 'errors' | 'duration' | 'latency.p50' | 'latency.p95'}`
  | `${'' | 'profile.'}waits["${string}"].${Wait}`
  | `profile.isolates[${number}].${'eventLoopUtilization' | `cpu.${'user' | 'idle' | 'gc'}` | 'blocked.duration'}`

/** A figure of a memory watch by its path, such as `peak.heapUsed`. */
export type MemoryFigure = FiguresOf<NodeMemoryResult, ''>

/** A figure of a search for capacity. */
export type CapacityFigure = 'rate' | `interval[${0 | 1}]` | 'duration'

/** Conditions by figure: `'<50'`, or several that must all hold: `['>1', '<50']`. */
export type Thresholds<Figure extends string = LoadFigure> = {
  readonly [Key in Figure]?: ThresholdExpression | readonly ThresholdExpression[]
}

/** Thresholds before they are checked. */
export type UncheckedThresholds = Readonly<Record<string, unknown>>

/** A condition and the path of its figure. */
export interface Threshold {
  readonly metric: string
  readonly condition: ThresholdCondition
}

/** What became of one condition. */
export interface ThresholdOutcome {
  /** Path of the figure, such as `latency.p99`. */
  metric: string
  /** The condition, such as `<50`; of `not.toMeetThresholds`, `not <50`. */
  expression: string
  /** The figure; `null` if it has no data, and then `passed` is false. */
  value: number | null
  /** Whether the figure meets the condition. */
  passed: boolean
}

const CONDITION = /^\s*(<=|>=|==|<|>)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*$/i

/** What is wrong with a threshold: its figure, or its expression. */
export interface ThresholdIssue {
  metric: string
  expression: string
  message: string
}

function firstBadPosition(expression: string): number {
  const start = expression.search(/\S/)
  if (start === -1) return 0
  const operator = /^\s*(<=|>=|==|<|>)/.exec(expression)
  if (!operator) return start
  const number = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*/i.exec(expression.slice(operator[0].length))
  return operator[0].length + (number ? number[0].length : expression.slice(operator[0].length).search(/\S|$/))
}

/** Parses one condition. Returns an issue that shows the position if it is malformed. */
export function parseCondition(metric: string, expression: unknown): ThresholdCondition | ThresholdIssue {
  if (typeof expression !== 'string') {
    return {
      metric,
      expression: String(expression),
      message: `Expected the threshold of \`${metric}\` to be a string such as '<50', got \`${String(expression)}\` (${typeof expression})`,
    }
  }
  const match = CONDITION.exec(expression)
  if (match) {
    return {
      operator: match[1] as ThresholdCondition['operator'],
      bound: Number(match[2]),
      expression: expression.trim(),
    }
  }
  const at = firstBadPosition(expression)
  return {
    metric,
    expression,
    message: `Malformed threshold of \`${metric}\`, expected an operator (< <= > >= ==) and a number, such as '<50':\n${markPosition(expression, at)}`,
  }
}

/** What thresholds are checked against. Without a kind every path may hold a figure. */
export interface ThresholdRule {
  readonly kind?: FigureKind | undefined
  readonly names?: KnownNames | undefined
}

/** Parses thresholds. Returns all conditions in order, and every mistake. */
export function parseThresholds(
  thresholds: UncheckedThresholds,
  { kind, names }: ThresholdRule = {},
): {
  conditions: Threshold[]
  issues: ThresholdIssue[]
} {
  const conditions: Threshold[] = []
  const issues: ThresholdIssue[] = []
  if (typeof thresholds !== 'object' || thresholds === null || Object.keys(thresholds).length === 0) {
    const given = typeof thresholds === 'object' ? JSON.stringify(thresholds) : String(thresholds)
    const message = `Expected the thresholds to be an object with at least one condition, such as { 'latency.p99': '<50' }, got \`${given}\``
    return { conditions, issues: [{ metric: 'thresholds', expression: given, message }] }
  }
  for (const [metric, expressions] of Object.entries(thresholds)) {
    const mistake = kind && findFigureMistake(metric, kind, names)
    if (mistake !== undefined) issues.push({ metric, expression: String(expressions), message: mistake })
    const list = Array.isArray(expressions) ? (expressions as readonly unknown[]) : [expressions]
    if (list.length === 0) {
      issues.push({
        metric,
        expression: '[]',
        message: `Expected the threshold of \`${metric}\` to hold at least one condition, got an empty list`,
      })
    }
    for (const expression of list) {
      const parsed = parseCondition(metric, expression)
      if ('operator' in parsed) conditions.push({ metric, condition: parsed })
      else issues.push(parsed)
    }
  }
  return { conditions, issues }
}

function holds(value: number, { operator, bound }: ThresholdCondition): boolean {
  switch (operator) {
    case '<':
      return value < bound
    case '<=':
      return value <= bound
    case '>':
      return value > bound
    case '>=':
      return value >= bound
    case '==':
      return value === bound
  }
}

/** Returns every condition with its value and verdict. A figure without data fails (in k6 it passes). */
export function evaluateThresholds(result: unknown, thresholds: readonly Threshold[]): ThresholdOutcome[] {
  return thresholds.map(({ metric, condition }) => {
    const value = readFigure(result, metric)
    return { metric, expression: condition.expression, value, passed: value !== null && holds(value, condition) }
  })
}

/**
 * Returns what `not.toMeetThresholds` makes of these outcomes: conditions that must not be met. It holds if one of them is not, and
 * then those that are met are left out, since they decided nothing. A figure without data passes neither way.
 */
export function negateOutcomes(outcomes: readonly ThresholdOutcome[]): ThresholdOutcome[] {
  const negated = outcomes.map(({ metric, expression, value, passed }) => {
    return { metric, expression: `not ${expression}`, value, passed: value !== null && !passed }
  })
  const isKnown = outcomes.every(({ value }) => value !== null)
  return isKnown && negated.some(({ passed }) => passed) ? negated.filter(({ passed }) => passed) : negated
}

/** Renders a line for each condition, with its value and a mark for its verdict. */
export function formatOutcomes(outcomes: readonly ThresholdOutcome[]): string {
  const name = Math.max(...outcomes.map(({ metric, expression }) => metric.length + expression.length + 1), 0)
  return outcomes
    .map(({ metric, expression, value, passed }) => {
      const condition = `${metric} ${expression}`.padEnd(name)
      const figure = value === null ? 'no data' : String(Number(value.toPrecision(6)))
      return `  ${passed ? '✓' : '✗'} ${condition}  got ${figure}`
    })
    .join('\n')
}
