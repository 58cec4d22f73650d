import { describe, expect, test } from 'vitest'
import { renderEndReport } from '../../../src/report/end-report.ts'
import { renderJobSummary } from '../../../src/report/github-summary.ts'
import { loadLine } from '../../../src/report/load-text.ts'
import { createPaint } from '../../../src/report/paint.ts'
import { renderPrometheus } from '../../../src/report/prometheus-report.ts'
import { summarizeRun } from '../../../src/report/summary.ts'
import { loadArtifact, loadResult, scenarioRecord, testRecord } from './samples.ts'

const summary = () => summarizeRun([scenarioRecord()])
const squeezed = (line: string) => line.trim().replace(/ {2,}/g, ' | ')

describe('names, checks and iterations', () => {
  test('have tables in the terminal, the name with the most requests first', () => {
    const lines = renderEndReport(summary(), 120, createPaint(false)).map(squeezed)
    const title = lines.findIndex((line) => line.startsWith('name | requests'))
    expect(lines.slice(title, title + 3)).toEqual([
      'name | requests | requests/s | p50 | p95 | p99 | errors | messages',
      'GET /items/:id | 9,000 | 900 | 12.1 ms | 24.2 ms | 36.3 ms | 12 (0.13%)',
      'GET /events | 300 | 30 | 31.0 ms | 62.0 ms | 93.0 ms | 0 | 4,500',
    ])
    const checks = lines.findIndex((line) => line.startsWith('check | passed'))
    expect(lines.slice(checks, checks + 3)).toEqual([
      'check | passed | failed | rate',
      'has items | 8,988 | 12 | 99.9%',
      'is JSON | 9,000 | 0 | 100%',
    ])
    const iterations = lines.findIndex((line) => line.startsWith('iterations | count'))
    expect(lines.slice(iterations, iterations + 2)).toEqual([
      'iterations | count | per second | p50 | p95 | failed',
      'shop.scenario.ts (browse 9, buy 1) | 4,800 | 480 | 41.0 ms | 85.0 ms | 2',
    ])
  })

  test('have tables in the job summary', () => {
    const lines = renderJobSummary(summary()).split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        '| GET /items/:id | 9,000 | 900 | 12.1 ms | 24.2 ms | **36.3 ms** | **12 (0.13%)** |  |',
        '| GET /events | 300 | 30 | 31.0 ms | 62.0 ms | **93.0 ms** | 0 | 4,500 |',
        '| has items | 8,988 | **12** | **99.9%** |',
        '| is JSON | 9,000 | 0 | 100% |',
        '| shop.scenario.ts (browse 9, buy 1) | 4,800 | **480** | 41.0 ms | 85.0 ms | **2** |',
      ]),
    )
  })

  test('are metrics of Prometheus, each with the labels of its load', () => {
    const text = renderPrometheus(summary())
    const values = (metric: string, label: string) =>
      text
        .split('\n')
        .filter((line) => line.startsWith(`vitest_perf_${metric}{`) && line.includes(label))
        .map((line) => Number(line.split(' ').at(-1)))
    expect(values('name_requests', 'name="GET /events"')).toEqual([300])
    expect(values('name_requests_per_second', 'name="GET /items/:id"')).toEqual([900])
    expect(values('name_latency_seconds', 'name="GET /events"')).toEqual([0.031, 0.062, 0.093])
    expect(values('name_errors', 'name="GET /items/:id"')).toEqual([12])
    expect(values('check_passed', 'check="has items"')).toEqual([8_988])
    expect(values('check_failed', 'check="has items"')).toEqual([12])
    expect(values('check_failed', 'check="is JSON"')).toEqual([0])
    expect(values('iterations', '')).toEqual([4_800])
    expect(values('iterations_failed', '')).toEqual([2])
    expect(values('iterations_per_second', '')).toEqual([480])
  })
})

describe('what the load was', () => {
  test.each([
    [
      'a rate that was served',
      { rate: 500, connections: 50, duration: 10_000 },
      {},
      '50 connections, 500/s asked, 1,214/s served, 10.0 s',
    ],
    ['an amount', { connections: 1, amount: 2_000 }, {}, '1 connection, 2,000 requests, 10.0 s'],
    ['pipelining', { connections: 10, pipelining: 4 }, {}, '10 connections, 4 pipelined, 10.0 s'],
    [
      'several requests',
      { connections: 10, requests: 3 },
      {},
      'GET http://127.0.0.1:4100/orders and 2 more, 10 connections',
    ],
  ])('is said of %s', (_, plan, result, line) => {
    const url = 'http://127.0.0.1:4100/orders'
    const record = testRecord({
      artifacts: [loadArtifact({ plan: { method: 'GET', url, ...plan } }, loadResult({ url, ...result }))],
    })
    expect(summarizeRun([record]).tests[0]?.loads.map(loadLine)[0]).toContain(line)
  })

  test('is said of a scenario by its users, and by the iterations that were asked and served', () => {
    const [line] = summary().tests[0]?.loads.map(loadLine) ?? []
    expect(line).toMatch(
      /^shop\.scenario\.ts \(browse 9, buy 1\) on http:\S+, 50 virtual users, 500 iterations\/s asked, 480\/s served, 10\.0 s$/,
    )
  })
})
