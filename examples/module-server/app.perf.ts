import { expect, test } from 'vitest-plugin-perf'

test('the module is served by a process of its own', async ({ server }) => {
  expect(server.pid).not.toBe(process.pid)
  await expect(server).toBeHealthy()
})

test('the same server, for the whole file, holds 200 requests a second', async ({ loadGenerator, server }) => {
  const result = await loadGenerator.generateLoad({ url: `${server.url}/anything`, rate: 200, duration: 2_000 })
  expect(result).toMeetThresholds({ requests: '>=390', 'errors.total': '==0', dropped: '==0' })
})
