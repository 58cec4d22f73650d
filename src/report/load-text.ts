import { describeLoad, loadName } from '../results/load-plan-summary.ts'
import { formatCount, formatDuration, formatRatio, isMeasured } from '../units.ts'
import { oneLine } from './screen-text.ts'
import type { LoadEntry } from './summary.ts'

/** What a load was and did, in words that the terminal, the page and the job summary share. */

/** `GET http://127.0.0.1:4100/orders, 50 connections, 500/s asked, 480/s served, 10.0 s`. */
export function loadLine({ plan, result }: LoadEntry): string {
  const served = plan.scenario === undefined ? result.requestsPerSecond : (result.iterations?.perSecond ?? null)
  return oneLine(describeLoad({ url: result.url, ...plan }, served, result.duration))
}

/** Answers by status, most first: `200 × 1,204, 503 × 5`. Empty if every answer was a 200. */
export function statusText({ result: { statusCodes } }: LoadEntry): string {
  const codes = Object.entries(statusCodes).filter(([, count]) => count)
  if (codes.every(([code]) => code === '200')) return ''
  codes.sort(([, a], [, b]) => (b ?? 0) - (a ?? 0))
  const shown = codes.slice(0, 4).map(([code, count]) => `${code} × ${formatCount(count)}`)
  return [...shown, ...(codes.length > 4 ? ['…'] : [])].join(', ')
}

/** That the answers were redirects: a login page in front of everything is no error, and no measurement either. */
export function redirectText({ result }: LoadEntry): string | undefined {
  const { redirectedTo: target, requests, statusCodes } = result
  const redirects = Object.entries(statusCodes).reduce(
    (sum, [code, count]) => sum + (/^3(?!04)/.test(code) ? (count ?? 0) : 0),
    0,
  )
  const answers = requests ?? 0
  if (redirects === 0 || redirects < answers / 10) return undefined
  const status = target?.status ?? Object.keys(statusCodes).find((code) => /^3(?!04)/.test(code))
  const to = target ? ` to ${oneLine(pathTo(target.location))}` : ''
  return redirects >= answers
    ? `all ${formatCount(answers)} answers were ${status}${to}`
    : `${formatCount(redirects)} of ${formatCount(answers)} answers were redirects, the first a ${status}${to}`
}

function pathTo(location: string): string {
  return location.replace(/[?#].*$/, '')
}

/** What went wrong most often: `status 404 × 100 from GET /ordres`, `refused × 12 (connect ECONNREFUSED 127.0.0.1:1)`. */
export function errorText(load: LoadEntry): string | undefined {
  const { result } = load
  const kinds = Object.entries(result.errors.byKind).flatMap(([kind, error]) => (error?.count ? [{ kind, error }] : []))
  kinds.sort((a, b) => (b.error.count ?? 0) - (a.error.count ?? 0))
  const [first] = kinds
  if (!first) return undefined
  if (first.kind === 'status') {
    const codes = Object.entries(result.statusCodes).filter(([code, count]) => Number(code) >= 400 && count)
    codes.sort(([, a], [, b]) => (b ?? 0) - (a ?? 0))
    const shown = codes.slice(0, 3).map(([code, count]) => `status ${code} × ${formatCount(count)}`)
    if (shown.length > 0) return shown.join(', ') + askedText(load)
  }
  return oneLine(`${first.kind} × ${formatCount(first.error.count)} (${first.error.message})`)
}

/** What a load asked for, where its title does not say: a title may hide that the path is wrong. */
function askedText({ title, plan, result }: LoadEntry): string {
  if (plan.scenario !== undefined || (plan.requests ?? 1) > 1) return ''
  const asked = loadName({ url: result.url, ...plan })
  return asked === title ? '' : ` from ${oneLine(asked)}`
}

/** How many connections the asked rate needs, if each stays as busy as it was: dropped arrivals had no free one. */
export function connectionsNeeded({ plan, result }: LoadEntry): number | undefined {
  const { connections, virtualUsers } = plan
  const present = virtualUsers ?? connections
  const { dropped, requests, errors, unanswered, iterations } = result
  const done = virtualUsers === undefined ? (requests ?? 0) + (errors.total ?? 0) : (iterations?.count ?? 0)
  if (!present || !dropped || done === 0) return undefined
  const needed = (present * (done + (unanswered ?? 0) + dropped)) / done
  // A tenth more, since arrivals are not served evenly; two digits, since it is an estimate.
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(needed * 1.1)) - 1)
  return Math.max(present + 1, Math.ceil((needed * 1.1) / digits) * digits)
}

/** That arrivals were dropped, and what would take them. */
export function droppedText(load: LoadEntry): string | undefined {
  const { dropped } = load.result
  if (!dropped) return undefined
  const needed = connectionsNeeded(load)
  const [what, option] =
    load.plan.virtualUsers === undefined ? ['connections', 'connections'] : ['virtual users', 'virtualUsers']
  const remedy = needed === undefined ? '' : `; raise \`${option}\` to about ${formatCount(needed)}, or lower \`rate\``
  return `${formatCount(dropped)} arrivals were dropped: all ${what} were busy${remedy}`
}

/** Why the figures are of the machine and not of the server; empty for a load that was not saturated. */
export function saturationText({ result: { saturated, generator } }: LoadEntry): string | undefined {
  if (!saturated) return undefined
  return `the machine was the limit${generator.reason ? ` (${oneLine(generator.reason)})` : ''}`
}

/** What must be known of a load to read its figures, whether its test passed or not. */
export function loadRemarks(load: LoadEntry, { crashed = false } = {}): string[] {
  const { collections, checks, remarks = [], unanswered } = load.result
  const saturation = saturationText(load)
  const failedChecks = Object.entries(checks as Record<string, CheckFigures>).filter(([, check]) => check.failed)
  return [
    saturation && isMeasured(load.result.latency.p50)
      ? `${saturation}: latencies are not the server's alone`
      : undefined,
    redirectText(load),
    // A server that died answered nothing: more connections would not have helped.
    crashed ? undefined : droppedText(load),
    isManyUnanswered(load) && !load.result.aborted
      ? `${formatCount(unanswered)} requests were still unanswered when the load ended`
      : undefined,
    ...failedChecks.map(
      ([name, { failed, rate, firstFailure }]) =>
        `check "${oneLine(name)}" failed ${formatCount(failed)} times (${formatRatio(rate)} passed)${firstFailure ? `, first: ${oneLine(firstFailure)}` : ''}`,
    ),
    collections?.requestsHit
      ? `${formatCount(collections.requestsHit)} requests waited for one of ${formatCount(collections.count)} forced collections (${formatDuration(collections.time)} in all) of the memory watch`
      : undefined,
    ...remarks.map(oneLine),
  ].filter((remark): remark is string => typeof remark === 'string' && remark !== '')
}

/** A load always ends with some requests under way. Many of them mean a server that does not answer. */
export function isManyUnanswered({ result: { unanswered, requests } }: LoadEntry): boolean {
  return (unanswered ?? 0) > Math.max(1, (requests ?? 0) / 20)
}

interface CheckFigures {
  failed: number | null
  rate: number | null
  firstFailure?: string
}

/** Whether a load measured nothing but failures, whatever was asserted. */
export function errorShare({ result: { errorRate } }: LoadEntry): number {
  return isMeasured(errorRate) ? errorRate : 0
}
