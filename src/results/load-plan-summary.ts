import { URL } from 'node:url'
import { formatCount, formatDuration, formatRate } from '../units.ts'

/** What was asked of a load, as far as a report shows it. Plain JSON. */
export interface LoadPlanSummary {
  /** Method and URL of the first request. */
  method?: string
  /** URL of the first request. */
  url?: string
  /** How many requests the load deals out, if more than one. */
  requests?: number
  /** The scenario's module, as it was written, and the weights of its functions. */
  scenario?: string
  /** Weights of the functions. */
  mix?: Record<string, number>
  /** The most connections open at a time. */
  connections?: number
  /** The most virtual users at a time. */
  virtualUsers?: number
  /** The most arrivals (or iterations that start) per second. */
  rate?: number
  /** Milliseconds. */
  duration?: number
  /** Requests (or iterations) after which the load ends. */
  amount?: number
  /** Requests under way on one connection. */
  pipelining?: number
}

/** The name of a load without a title, the same in every report: `GET /orders`, or `shop.scenario.ts (browse 9, buy 1)`. */
export function loadName({ method = 'GET', url = '/', requests = 1, scenario, mix }: LoadPlanSummary): string {
  if (scenario !== undefined) {
    const weights = Object.entries(mix ?? {}).map(([name, weight]) => `${name} ${weight}`)
    const file = scenario.split(/[\\/]/).at(-1) ?? scenario
    return weights.length > 0 ? `${file} (${weights.join(', ')})` : file
  }
  const more = requests > 1 ? ` and ${requests - 1} more` : ''
  return `${method} ${pathOf(url)}${more}`
}

function pathOf(url: string): string {
  if (!URL.canParse(url)) return url
  const { pathname, search } = new URL(url)
  return pathname + search
}

/** The load in a line: where to, how many at a time, how fast (asked and served) and how long. `served` is per second. */
export function describeLoad(plan: LoadPlanSummary, served: number | null, duration: number | null): string {
  const { method = 'GET', url, requests = 1, scenario, connections, virtualUsers, rate, amount, pipelining } = plan
  const target = scenario === undefined ? `${method} ${url ?? ''}` : `${loadName(plan)} on ${url ?? ''}`
  const unit = scenario === undefined ? '' : ' iterations'
  const atATime = virtualUsers ?? connections
  const who = virtualUsers === undefined ? 'connection' : 'virtual user'
  return [
    target.trim() + (requests > 1 ? ` and ${formatCount(requests - 1)} more` : ''),
    atATime === undefined ? '' : `${formatCount(atATime)} ${who}${atATime === 1 ? '' : 's'}`,
    pipelining === undefined ? '' : `${formatCount(pipelining)} pipelined`,
    rate === undefined ? '' : `${formatCount(rate)}${unit}/s asked, ${formatRate(roundRate(served))} served`,
    amount === undefined ? '' : `${formatCount(amount)}${unit || ' requests'}`,
    formatDuration(duration),
  ]
    .filter(Boolean)
    .join(', ')
}

/** A rate is whole from 100/s. */
export function roundRate<Rate extends number | null | undefined>(rate: Rate): Rate {
  return (typeof rate === 'number' && rate >= 100 ? Math.round(rate) : rate) as Rate
}
