import { expect, test } from 'vitest'
import { formatBound, formatMetric, missText } from '../../../src/report/metric-text.ts'

test.each([
  ['latency.p99', 12.3, '12.3 ms'],
  ['byName["GET /items/:id"].latency.p95', 80, '80.0 ms'],
  ['iterations.duration.p95', 1_500, '1.50 s'],
  ['iterations.perSecond', 12, '12/s'],
  ['checks["has a price"].rate', 0.99, '99.0%'],
  ['requestsPerSecond', 1_200, '1,200/s'],
  ['errorRate', 0, '0%'],
  ['throughput.bytes', 2_048, '2.00 KB'],
  ['profile.isolates[0].cpu.user', 0.5, '50.0%'],
  ['waits["GET inventory/:id"].perRequest', 41, '41'],
  ['waits["GET inventory/:id"].p99', 3, '3.00 ms'],
  ['statusCodes.503', 4, '4'],
])('%s of %d is %s', (metric, value, text) => expect(formatMetric(metric, value)).toBe(text))

test('a bound is written as a person would', () => {
  expect(formatBound('checks["has a price"].rate', '>=0.99')).toBe('>= 99%')
})

test('a bound that must not be met says so, and has no distance', () => {
  expect(formatBound('latency.p99', 'not <50')).toBe('not < 50 ms')
  expect(missText('latency.p99', 'not <50', 12)).toBe('')
})
