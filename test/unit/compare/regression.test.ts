import { describe, expect, test } from 'vitest'
import { PerfOptionsError } from '../../../src/errors.ts'
import { findCompareOptionIssues } from '../../../src/compare/compare-options.ts'
import { planComparison } from '../../../src/compare/comparison-plan.ts'
import { describeRegression } from '../../../src/compare/regression.ts'
import { findToleranceIssues } from '../../../src/compare/tolerance.ts'
import { findCapacityOptionIssues } from '../../../src/load/plan/capacity-options.ts'
import type { Comparison } from '../../../src/results/comparison.ts'
import { comparisonOf, SLOWER } from '../report/compare-samples.ts'

const judge = (comparison: unknown, tolerance?: object, options?: object, isNot = true) =>
  describeRegression(comparison, tolerance as never, options as never, isNot)

const HELD = SLOWER.map((change) => change / 10)
const UNDECIDED = [0.2, -0.2, 0.1, -0.1, 0.15, -0.1]

describe('toRegress', () => {
  test('fails where head is slower, and reads like a review', () => {
    const { regressed, message } = judge(comparisonOf(SLOWER))
    expect(regressed).toBe(true)
    const lines = message.split('\n')
    expect(lines[0]).toBe('Expected head not to be slower than base; it is:')
    expect(lines[1]).toMatch(/^ {2}✗ head needs 6\.8 % more CPU per request \(.* to .*\), tolerated 5 %: slower$/)
    expect(lines[2]).toMatch(/^ {2}✓ p50 latency 0 % .*: held$/)
    expect(message).toContain('base: node server.js (origin/main, 1f2e3d4c)')
    expect(message).toContain('head: node server.js (9a8b7c6d, with uncommitted changes)')
  })

  test('passes where it holds, and where nothing is decided unless that is strict', () => {
    expect(judge(comparisonOf(HELD)).regressed).toBe(false)
    expect(judge(comparisonOf(UNDECIDED)).regressed).toBe(false)
    const strict = judge(comparisonOf(UNDECIDED), undefined, { strict: true })
    expect(strict.regressed).toBe(true)
    expect(strict.message).toMatch(/it is not decided:[^]*6 pairs of servers did not decide/)
    expect(judge(comparisonOf(HELD), undefined, { strict: true }).regressed).toBe(false)
  })

  test('judges by other tolerances, and by those alone', () => {
    expect(judge(comparisonOf(SLOWER), { cpuPerRequest: '20%' })).toMatchObject({ regressed: false, verdict: 'held' })
    expect(judge(comparisonOf(SLOWER), { 'latency.p50': '5%' }).verdict).toBe('held')
    expect(judge(comparisonOf(SLOWER), { timePerRequest: 0.05 }).verdict).toBe('slower')
  })

  test('an obstacle leaves everything undecided, whatever the figures and the tolerances', () => {
    const obstructed: Comparison = {
      ...comparisonOf(SLOWER),
      verdict: 'inconclusive',
      obstacle: 'disturbed',
      reason: 'No verdict: noise.',
    }
    expect(judge(obstructed)).toMatchObject({ regressed: false, verdict: 'inconclusive' })
    expect(judge(obstructed, { cpuPerRequest: '5%' })).toMatchObject({ regressed: false, verdict: 'inconclusive' })
    expect(judge(obstructed, undefined, { strict: true }).message).toContain('No verdict: noise.')
  })

  test('a comparison that was JSON is one, and what has no data never holds', () => {
    const stored = (comparison: Comparison) => JSON.parse(JSON.stringify(comparison)) as Comparison
    expect(judge(stored(comparisonOf(SLOWER))).regressed).toBe(true)
    // One pair has no interval: NaN, and in JSON `null`, which is less than any tolerance.
    const one = stored(comparisonOf([0.3]))
    expect(one.metrics.cpuPerRequest.interval).toEqual([null, null])
    expect(judge(one, { cpuPerRequest: '5%' }).verdict).toBe('inconclusive')
  })

  test.each([
    ['a promise', Promise.resolve(comparisonOf(HELD)), /`await` the comparison/],
    ['a load', { latency: {}, statusCodes: {} }, /result of `compareServers`/],
    ['a comparison without metrics', { verdict: 'held', metrics: {}, notes: [] }, /result of `compareServers`/],
    ['nothing', undefined, /result of `compareServers`/],
  ])('%s is no comparison', (_name, value, message) => {
    expect(() => judge(value)).toThrow(PerfOptionsError)
    expect(() => judge(value)).toThrow(message)
  })

  test('an option in place of a tolerance is told', () => {
    expect(() => judge(comparisonOf(HELD), { strict: true })).toThrow(/tolerance\.strict/)
    expect(() => judge(comparisonOf(HELD), undefined, { strict: 'yes', loose: 1 })).toThrow(/\(and 1 more\)/)
  })
})

describe('tolerances', () => {
  test.each(['5%', ' 2.5 % ', '1000%', 0.02, 0.05, 1])('%s', (value) => {
    expect(findToleranceIssues({ cpuPerRequest: value }, 'tolerance')).toEqual([])
  })
  test.each([
    [5, `a share such as '5%' or 0.05, at most '1000%' or 1`],
    ['1001%', `a share such as '5%' or 0.05`],
    [0.01, 'a share of 2 % or more'],
    ['1%', 'a share of 2 % or more'],
    ['5', 'a share of 2 % or more'],
    [Number.NaN, 'a share of 2 % or more'],
    [null, 'a share of 2 % or more'],
    [-0.05, 'a share of 2 % or more'],
  ])('%s is none', (value, expected) => {
    const [issue] = findToleranceIssues({ cpuPerRequest: value }, 'tolerance')
    expect(issue?.expected).toContain(expected)
  })
})

test.each([0, -1, 14_999, '14.9s', Number.NaN, Number.POSITIVE_INFINITY, '60', null, {}])(
  'a comparison cannot take %s',
  (duration) => {
    expect(findCompareOptionIssues({ base: {}, duration }).map(({ option }) => option)).toEqual(['duration'])
  },
)

test.each([
  ['precision', Number.NaN],
  ['precision', '0.5%'],
  ['precision', 2],
  ['duration', Number.POSITIVE_INFINITY],
  ['duration', 9_999],
  ['from', Number.NaN],
  ['to', 4],
])('a search for the capacity has no %s of %s', (option, value) => {
  const input = { url: 'http://127.0.0.1/', from: 5, thresholds: { errorRate: '<1' }, [option]: value }
  expect(findCapacityOptionIssues(input, { absoluteUrl: true }).map((issue) => issue.option)).toEqual([option])
})

describe('the two servers', () => {
  const plan = (options: object, server: object = { command: 'node server.js' }) =>
    planComparison(options as never, { server, env: {} })

  test('have the options of the plugin, and what they say themselves', () => {
    const server = {
      command: 'node server.js',
      envFile: '.env',
      env: { A: '1' },
      protocol: 'https',
      tls: { ca: 'pem' },
      health: { path: '/up' },
      scope: 'file',
    }
    const { base, head, isSame } = plan({ base: { env: { B: '2' } } }, server)
    const { scope: _, ...own } = server
    expect(head).toEqual(own)
    expect(base).toEqual({ ...own, env: { A: '1', B: '2' } })
    expect(isSame).toBe(false)
    expect(plan({ base: { git: 'main' } }, server)).toMatchObject({ isSame: true, git: { ref: 'main' }, base: own })
  })

  test('another source replaces the one of the plugin', () => {
    const { base, head } = plan({ base: { module: './old.js' }, head: { command: 'node new.js' } })
    expect(base).toEqual({ module: './old.js' })
    expect(head).toEqual({ command: 'node new.js' })
  })

  test('cannot share a port, be there already, or be one that the environment names', () => {
    expect(() => plan({ base: {} }, { command: 'x', port: 4_100 })).toThrow(/both servers run side by side/)
    expect(() => plan({ base: { url: 'http://127.0.0.1:1' } })).toThrow(/starts fresh servers/)
    const env = { VITEST_PERF_SERVER_URL: 'http://127.0.0.1:1' }
    expect(() => planComparison({ base: {} }, { server: { command: 'x' }, env })).toThrow(/VITEST_PERF_SERVER_URL/)
  })

  test('need a source each, from the call or from the plugin', () => {
    expect(() => plan({ base: { git: 'main' }, head: { command: 'node new.js' } }, {})).toThrow(
      /`base\.command` to be a command .*here or in `perf\(\{ server: \{ … \} \}\)`, got `undefined`$/,
    )
    expect(() => plan({ head: { command: 'x' } }, {})).toThrow(/`base` to be an object such as .*got `undefined`$/)
  })

  test('a mistyped option is told with what there is', () => {
    expect(() => plan({ base: { ref: 'main' } })).toThrow(
      /Unknown option `base\.ref` .*known here: git, prepare, command,/,
    )
    expect(() => plan({ base: {}, load: { url: '/', processes: 2 } })).toThrow(/`load\.processes` to be left out/)
  })

  test('VITEST_PERF_BASE wins over `git`', () => {
    const env = { VITEST_PERF_BASE: 'merge-base:origin/main' }
    const context = { server: { command: 'x' }, env }
    expect(planComparison({ base: { git: 'HEAD' } }, context).git?.ref).toBe('merge-base:origin/main')
    expect(planComparison({}, context).git).toEqual({ ref: 'merge-base:origin/main', prepare: undefined })
  })
})
