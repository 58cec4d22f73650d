import { expect, test } from 'vitest-plugin-perf'

test('the cart answers 99 of 100 requests in 250 ms', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({ url: `${server.url}/cart`, rate: 100, duration: '3s' })
  expect(result).toMeetThresholds({ 'latency.p99': '<250', errorRate: '==0' })
})
