import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformWithEsbuild } from 'vite-6'
import { afterAll, describe, expect, test } from 'vitest'
import { MAJORS } from './harness/installed-package.ts'
import { removeProjects, runVitest } from './harness/run-vitest.ts'

afterAll(removeProjects)

const SERVER = `
import { createServer } from 'node:http'

function parseTokens(text: string): number {
  let hash = 0
  for (let round = 0; round < 60; round += 1) {
    for (let at = 0; at < text.length; at += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(at) + round) | 0
  }
  return hash
}

interface Guard { (header: string): boolean }
const authenticate: Guard = (header) => parseTokens(header.repeat(1_500)) !== 0

export default createServer((request, response) => {
  if (request.url === '/health') return response.end('ok')
  response.end(JSON.stringify({ ok: authenticate('Bearer abcdefghijkl' + request.url) }))
})
`
const SPEC = `
import { test, expect, LoadError } from 'vitest-plugin-perf'

const load = { url: '/orders', connections: 3, duration: 1_000 }

test('misses a threshold of the load', async ({ server, loadGenerator }) => {
  let told
  const failed = loadGenerator.generateLoad({ ...load, thresholds: { 'latency.p50': '<0.01' } }, (progress) => (told = progress))
  const error = await failed.catch((reason) => reason)
  expect(error).toBeInstanceOf(LoadError)
  // The figures are those of the first run, and the profile is of the second.
  expect(error.partial.requests).toBe(told.requests)
  expect(error.partial.startedAt).toBe(told.startedAt)
  expect(error.partial.profile.repeated).toBe(true)
  throw error
})

test('misses a threshold of the matcher', async ({ server, loadGenerator }) => {
  expect(await loadGenerator.generateLoad(load)).toMeetThresholds({ 'latency.p50': '<0.01' })
})

test('has no time for a profile', { timeout: 6_000 }, async ({ server, loadGenerator }) => {
  expect(await loadGenerator.generateLoad(load)).toMeetThresholds({ 'latency.p50': '<0.01' })
})

test('is not to be profiled', async ({ server, loadGenerator }) => {
  expect(await loadGenerator.generateLoad({ ...load, profile: false })).toMeetThresholds({ 'latency.p50': '<0.01' })
})

test('misses a threshold that is not of time', async ({ server, loadGenerator }) => {
  expect(await loadGenerator.generateLoad(load)).toMeetThresholds({ requests: '==0' })
})

test('has a server that ends under the profile', async ({ startServer, loadGenerator }) => {
  const server = await startServer({ command: 'node ends.mjs' })
  expect(await loadGenerator.generateLoad({ ...load, url: server.url + '/orders' })).toMeetThresholds({ 'latency.p50': '<0.01' })
})

test('is profiled while it runs', async ({ server, loadGenerator }) => {
  const { profile, requests } = await loadGenerator.generateLoad({ ...load, profile: true })
  expect(profile.repeated).toBe(false)
  expect(profile.requests).toBeGreaterThan(0)
  expect(profile.requests).toBeLessThanOrEqual(requests + 10)
  const [isolate] = profile.isolates
  expect(isolate.pid).toBe(server.pid)
  expect(isolate.cpu.user + isolate.cpu.idle + isolate.cpu.gc).toBeCloseTo(1)
  expect(isolate.hot[0].function).toBe('parseTokens')
  expect(isolate.hot[0].location).toMatch(/^src.app\\.ts:4$/)
  expect(profile).toMeetThresholds({ 'isolates[0].eventLoopUtilization': '>0.5' })
  expect(() => expect(profile).toMeetThresholds({ 'isolate[0].cpu': '>0' })).toThrow(/isolates/)
  console.log('FILES ' + JSON.stringify(profile.files))
})

test('says that another server cannot be profiled', async ({ startServer, loadGenerator }) => {
  const { createServer } = await import('node:http')
  const other = createServer((request, response) => response.end()).listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const url = 'http://127.0.0.1:' + other.address().port
  const { profile } = await loadGenerator.generateLoad({ url, amount: 20, profile: true })
  other.close()
  expect(profile.summary).toEqual([expect.stringMatching(/^No profile: .* is not a server that this test started/)])
  expect(profile.isolates).toEqual([])
})
`

/** It ends in the middle of the second load. */
const ENDS = `
import { createServer } from 'node:http'

let first
createServer((request, response) => {
  if (request.url !== '/health') first ??= setTimeout(() => process.exit(3), 1_500)
  response.end()
}).listen(process.env.PORT, process.env.HOST)
`

/** JavaScript with the source map that leads back to `app.ts`, as a build writes it. */
async function compiled(): Promise<Record<string, string>> {
  const { code, map } = await transformWithEsbuild(SERVER, 'app.ts', { sourcemap: true })
  return {
    'src/app.ts': SERVER,
    'dist/app.js': `${code}\n//# sourceMappingURL=app.js.map`,
    'dist/app.js.map': JSON.stringify({ ...map, sources: ['../src/app.ts'] }),
  }
}

describe.each(MAJORS)('on Vitest %s', (major) => {
  test('a load that misses a threshold says why, with the line', async () => {
    const run = await runVitest({
      major,
      pool: major === 4 ? 'forks' : 'threads',
      perf: `{ server: { module: './dist/app.js' } }`,
      files: { ...(await compiled()), 'ends.mjs': ENDS, 'a.test.ts': SPEC },
      test: 'testTimeout: 30_000',
      timeout: 100_000,
    })
    expect(run.output).toContain('6 failed')
    const because = /The event loop was \d+ % busy; \d+ % of it in parseTokens \(src\/app\.ts:4\)/
    const blocks = run.output.split(/^.*FAIL.*$/m)
    const of = (name: string) =>
      blocks.find((block, index) => index > 0 && (run.output.match(/^.*FAIL.*$/gm) ?? [])[index - 1]?.includes(name))
    expect(of('misses a threshold of the load')).toMatch(because)
    expect(of('misses a threshold of the matcher')).toMatch(because)
    expect(of('has no time for a profile')).toMatch(/No profile: the test had \d.* s left, and a profile takes 7\.00 s/)
    expect(of('has no time for a profile')).not.toMatch(/event loop/)
    expect(of('has a server that ends under the profile')).toMatch(/thresholds:[^]*latency\.p50/)
    expect(of('has a server that ends under the profile')).toMatch(
      /No profile: \S|Process \d+ ended (while it was recorded|before)/,
    )
    for (const name of ['is not to be profiled', 'misses a threshold that is not of time']) {
      expect(of(name)).toMatch(/thresholds:/)
      expect(of(name)).not.toMatch(/event loop|Why|No profile/)
    }
    const files = JSON.parse(/FILES (\[.*\])/.exec(run.output)?.[1] ?? '[]') as string[]
    expect(files).toHaveLength(1)
    const profile = JSON.parse(readFileSync(join(files[0] ?? ''), 'utf8')) as { nodes: unknown[]; samples: unknown[] }
    expect(profile.nodes.length).toBeGreaterThan(10)
    expect(profile.samples.length).toBeGreaterThan(100)
    expect(await run.leftovers()).toEqual([])
  })
})
