import { expect, test } from 'vitest-plugin-perf'

test('GET /orders holds its SLO', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({
    title: 'GET /orders',
    url: `${server.url}/orders`,
    connections: 20,
    warmup: { duration: 1_000 },
    duration: 5_000,
  })
  expect(result).toMeetThresholds({
    'latency.p99': '<250',
    errorRate: '<0.001',
    requestsPerSecond: '>200',
  })
})

test('100 daily reports a second are answered as they fall due', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({
    title: 'GET /reports/daily at 100/s',
    url: `${server.url}/reports/daily`,
    rate: 100,
    connections: 50,
    duration: 4_000,
  })
  expect(result).toMeetThresholds({ 'latency.p50': ['>=40', '<200'], dropped: '==0' })
})

// `test.fails` keeps this example green: the SLO below is one that the payment route does not hold, on purpose.
test.fails('POST /payments does not hold an SLO of 99.9 %', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({
    title: 'POST /payments',
    url: `${server.url}/payments`,
    method: 'POST',
    connections: 5,
    amount: 1_000,
    duration: 10_000,
  })
  expect(result).toMeetThresholds({ errorRate: '<0.001', 'latency.p99': '<250' })
})
