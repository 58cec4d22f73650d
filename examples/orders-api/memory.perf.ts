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
  // Ten seconds on a busy machine may decide nothing, which fails in CI unless it is said otherwise.
  expect(memory).not.toLeakMemory({ strict: false })
  expect(memory).toMeetThresholds({ 'peak.rss': `<${512 * 1024 * 1024}` })
})
