/** A condition on one figure, such as `<50`. */
export interface ThresholdCondition {
  operator: '<' | '<=' | '>' | '>=' | '=='
  bound: number
  expression: string
}

/** `'<50'`, or several that must all hold: `['>1', '<50']`. Keys are dotted paths into a result. */
export type Thresholds = Record<string, string | readonly string[]>

/** What became of one condition. */
export interface ThresholdOutcome {
  /** Dotted path of the figure, such as `latency.p99`. */
  metric: string
  expression: string
  /** The figure; `null` where it is missing or holds no data, and then `passed` is false. */
  value: number | null
  passed: boolean
}

const CONDITION = /^\s*(<=|>=|==|<|>)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*$/i

/** Where and why an expression is malformed. */
export interface ThresholdSyntaxIssue {
  metric: string
  expression: string
  /** Position of the first character that does not fit, 0-based. */
  at: number
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

/** One condition, or where it is malformed. */
export function parseCondition(metric: string, expression: unknown): ThresholdCondition | ThresholdSyntaxIssue {
  if (typeof expression !== 'string') {
    return {
      metric,
      expression: String(expression),
      at: 0,
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
    at,
    message: `Malformed threshold of \`${metric}\`, expected an operator (< <= > >= ==) and a number, such as '<50':\n  ${expression}\n  ${' '.repeat(at)}^`,
  }
}

/** All conditions of `thresholds`, flat and in order, and all that is malformed. */
export function parseThresholds(thresholds: Thresholds): {
  conditions: { metric: string; condition: ThresholdCondition }[]
  issues: ThresholdSyntaxIssue[]
} {
  const conditions: { metric: string; condition: ThresholdCondition }[] = []
  const issues: ThresholdSyntaxIssue[] = []
  if (typeof thresholds !== 'object' || thresholds === null || Object.keys(thresholds).length === 0) {
    const given = typeof thresholds === 'object' ? JSON.stringify(thresholds) : String(thresholds)
    const message = `Expected the thresholds to be an object with at least one condition, such as { 'latency.p99': '<50' }, got \`${given}\``
    return { conditions, issues: [{ metric: 'thresholds', expression: given, at: 0, message }] }
  }
  for (const [metric, expressions] of Object.entries(thresholds)) {
    const list = Array.isArray(expressions) ? (expressions as readonly unknown[]) : [expressions]
    if (list.length === 0) {
      issues.push({
        metric,
        expression: '[]',
        at: 0,
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

/**
 * The number at a dotted path (`latency.p99`, `statusCodes.200`, `samples.0.requests`, `samples[0].requests`), or `null`
 * where there is none.
 */
export function readMetric(result: unknown, path: string): number | null {
  let at: unknown = result
  for (const key of path.replace(/\[(\d+)\]/g, '.$1').split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return null
    at = (at as Record<string, unknown>)[key]
  }
  return typeof at === 'number' && !Number.isNaN(at) ? at : null
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

/** Every condition with its value and verdict. A figure that is missing or without data fails (k6 lets it pass). */
export function evaluateThresholds(
  result: unknown,
  conditions: readonly { metric: string; condition: ThresholdCondition }[],
): ThresholdOutcome[] {
  return conditions.map(({ metric, condition }) => {
    const value = readMetric(result, metric)
    return { metric, expression: condition.expression, value, passed: value !== null && holds(value, condition) }
  })
}

/** A line a condition, with its value and verdict; what failed stands out. */
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
