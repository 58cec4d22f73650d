import { expect, readData, test } from 'vitest-plugin-perf'

test('twenty people browse and buy', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad<typeof import('./shop.scenario.ts')>({
    url: server.url,
    scenario: './shop.scenario.ts',
    mix: { browse: 9, buy: 1 },
    data: { accounts: await readData<{ name: string; password: string }>('accounts.csv') },
    virtualUsers: 20,
    duration: '3s',
  })
  expect(result).toMeetThresholds({
    'byName["GET /items/:id"].latency.p95': '<250',
    'checks["has a price"].rate': '==1',
    'iterations.failed': '==0',
    errorRate: '==0',
  })
  // "p95 of all requests" would hide it: one route asks its database again for each line of an order.
  const order = result.byName['GET /orders/:id']
  const item = result.byName['GET /items/:id']
  expect(order?.latency.p50).toBeGreaterThan(3 * (item?.latency.p50 ?? 0))
})

test('fifty orders a second, whatever the shop does', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad<typeof import('./shop.scenario.ts')>({
    url: server.url,
    scenario: './shop.scenario.ts',
    mix: { buy: 1 },
    data: { accounts: await readData<{ name: string; password: string }>('accounts.csv') },
    rate: 50,
    virtualUsers: 40,
    duration: '2s',
  })
  expect(result.iterations?.count).toBe(100)
  expect(result).toMeetThresholds({ 'checks["has a total"].rate': '==1', dropped: '==0' })
})
