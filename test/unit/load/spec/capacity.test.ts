import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LoadGenerator } from '../../../../dist/load/spec/load-generator.js'

/** Serves one request at a time, in 10 ms: at most 100 a second, and what comes faster queues. */
const server = http.createServer((_request, response) => {
  turn = turn.then(() => new Promise((done) => setTimeout(done, 10))).then(() => void response.end('ok'))
})
let turn: Promise<unknown> = Promise.resolve()
let url = ''

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const thresholds = { 'latency.p99': '<150' } as const

describe('findCapacity', () => {
  test('finds the rate at which a queue begins to grow', { timeout: 40_000 }, async () => {
    const generator = new LoadGenerator()
    const capacity = await generator.findCapacity({ url, thresholds, from: 10, precision: '20%', duration: 15_000 })
    const limiting = capacity.steps.findLast((step) => step.rate === capacity.interval[1])
    // Where this machine is busy, the load process may be the limit, and is said to be.
    expect(capacity.limitedBy).toBe(limiting?.saturated ? 'generator' : 'threshold')
    expect(capacity.rate).toBeGreaterThan(1)
    expect(capacity.rate).toBeLessThanOrEqual(105)
    expect(capacity.interval[1]).toBeGreaterThan(capacity.rate)
    expect(capacity.duration).toBeLessThan(17_000)
    const failed = capacity.steps.filter((step) => !step.holds)
    expect(failed[0]).toMatchObject({ attempt: 1 })
    expect(failed[0]?.reason).toMatch(/latency\.p99 was|of the arrivals were answered in time/)
    expect(capacity.steps.every(({ result }) => result.requests > 0 && !('samples' in result))).toBe(true)
    expect(capacity.reason).toMatch(/^It holds \d/)
  })

  test('says so where `to` is the limit', { timeout: 30_000 }, async () => {
    const capacity = await new LoadGenerator().findCapacity({
      url,
      thresholds: { 'latency.p99': '<5000' },
      from: 5,
      to: 10,
      duration: 10_000,
    })
    expect(capacity).toMatchObject({ limitedBy: 'to', rate: 10, interval: [10, null], precise: true })
    expect(capacity.reason).toContain('the highest rate asked for')
  })

  test('an abort rejects with the steps so far, and stop() resolves with them', { timeout: 30_000 }, async () => {
    const controller = new AbortController()
    const options = { url, thresholds, from: 5, duration: 12_000 } as const
    const aborted = new LoadGenerator().findCapacity({ ...options, signal: controller.signal })
    setTimeout(() => controller.abort(new Error('enough')), 1_500)
    await expect(aborted).rejects.toMatchObject({
      name: 'AbortError',
      partial: { aborted: true, limitedBy: 'threshold' },
    })
    const generator = new LoadGenerator()
    const stopped = generator.findCapacity(options)
    setTimeout(() => void generator.stop(), 1_500)
    expect(await stopped).toMatchObject({ aborted: true, precise: false })
  })

  test('reports every mistake at once, before the first request', async () => {
    const wrong = { url, from: 0, to: -1, precision: '0.1%', rate: 5, duration: 5, thresholds: { 'latency.p98': '<5' } }
    const error = (await new LoadGenerator().findCapacity(wrong as never).catch((reason: unknown) => reason)) as Error
    for (const name of ['from', 'to', 'precision', 'rate', 'duration', 'latency.p98'])
      expect(error.message).toContain(name)
  })
})
