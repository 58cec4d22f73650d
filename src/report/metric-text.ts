import { parseCondition } from '../results/threshold.ts'
import { formatBytes, formatCount, formatDuration, formatRate, formatRatio, isMeasured } from '../units.ts'

type Figure = number | null | undefined

/** A figure in the unit that its dotted path implies: `latency.p99` is a time, `growth.bytes` a size. */
export function formatMetric(metric: string, value: Figure): string {
  if (!isMeasured(value)) return 'no data'
  if (/bytes(PerSecond|PerRequest)$/i.test(metric)) {
    return `${formatBytes(value)}${metric.endsWith('PerRequest') ? '/request' : '/s'}`
  }
  if (/(bytes|heapUsed|heapTotal|external|arrayBuffers|rss)$/i.test(metric)) return formatBytes(value)
  if (/^checks\b.*\.rate$/.test(metric)) return formatRatio(value)
  if (/(perSecond|PerSecond|rate)$/.test(metric)) return formatRate(value)
  if (/(errorRate|utilization|share|\.cpu\.\w+)$/i.test(metric)) return formatRatio(value)
  if (
    /^latency\.|\.latency\.|\.duration\.|(^|\.)(duration|lateness)$|Delay\.|^gc\.time$|waits\b.*\.(p50|p99|time)$/.test(
      metric,
    )
  )
    return formatDuration(value)
  return formatCount(value)
}

/** By how much a figure misses its bound: `68% over`, `12% under`, `3 over 0`. Empty where nothing can be said. */
export function missText(metric: string, expression: string, value: Figure): string {
  if (!isMeasured(value)) return 'no data'
  const condition = parseCondition(metric, expression)
  if (!('operator' in condition)) return ''
  const { bound, operator } = condition
  const distance = value - bound
  if (distance === 0) return `not ${operator.startsWith('<') ? 'below' : 'above'} ${boundText(metric, bound)}`
  const word = distance > 0 ? 'over' : 'under'
  if (bound === 0) return `${formatMetric(metric, Math.abs(distance))} ${word}`
  const share = Math.abs(distance / bound)
  if (value / bound >= 2) return `${times(value / bound)}x the bound`
  return `${percent(share)} ${word}`
}

function times(ratio: number): string {
  return ratio >= 10 ? formatCount(Math.round(ratio)) : String(Number(ratio.toFixed(1)))
}

function percent(share: number): string {
  const value = share * 100
  return `${value >= 10 ? value.toFixed(0) : value.toFixed(1)}%`
}

/** `<50` of `latency.p99` as `< 50 ms`, and `not <50` as `not < 50 ms`. */
export function formatBound(metric: string, expression: string): string {
  if (expression.startsWith('not ')) return `not ${formatBound(metric, expression.slice(4))}`
  const condition = parseCondition(metric, expression)
  if (!('operator' in condition)) return expression
  return `${condition.operator} ${boundText(metric, condition.bound)}`
}

/** A bound is written by a person: `50 ms`, not `50.0 ms`. */
function boundText(metric: string, bound: number): string {
  return formatMetric(metric, bound)
    .replace(/(\.\d*?)0+(?=\D|$)/, '$1')
    .replace(/\.(?=\D|$)/, '')
}
