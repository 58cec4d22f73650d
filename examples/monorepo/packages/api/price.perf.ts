import { expect, test } from 'vitest-plugin-perf'

test('100 prices a second, each in the currency of .env.test', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({
    url: server.url,
    rate: 100,
    duration: '2s',
    requests: [{ name: 'price', check: { body: { json: { currency: 'EUR' } } } }],
  })
  expect(result).toMeetThresholds({ 'latency.p99': '<250', 'checks["price"].rate': '==1', errorRate: '==0' })
})
