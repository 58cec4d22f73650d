import { checkServerHealth, expect, test } from 'vitest-plugin-perf'

test('staging answers 500 requests', async ({ server, loadGenerator }) => {
  const health = await checkServerHealth(server.url, { timeout: 2_000 })
  expect(health.healthy).toBe(true)

  const result = await loadGenerator.generateLoad({ url: '/', amount: 500, duration: 10_000 })
  expect(result.requests).toBe(500)
  expect(result.errors.total).toBe(0)
})
