import { expect, test } from 'vitest-plugin-perf'

test('GET /orders does not leak', async ({ server, loadGenerator, memoryMonitor }) => {
  const memory = await memoryMonitor.during(() =>
    loadGenerator.generateLoad({
      title: 'orders under watch',
      url: `${server.url}/orders`,
      rate: 400,
      duration: 10_000,
    }),
  )
  expect(memory).not.toLeakMemory()
  expect(memory).toMeetThresholds({ 'peak.rss': `<${512 * 1024 * 1024}` })
})
