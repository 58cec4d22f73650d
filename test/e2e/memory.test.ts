import { afterAll, describe, expect, test } from 'vitest'
import { MAJORS } from './harness/installed-package.ts'
import { removeProjects, runVitest } from './harness/run-vitest.ts'

afterAll(removeProjects)

const IMPORT = `import { test, expect, MemoryMonitor } from 'vitest-plugin-perf'\n`

/** TypeScript that is compiled to what runs: line 4 of `history.ts` keeps the memory. */
const HISTORY_SOURCE = `interface Entry { url: string; at: Date }
const history: Entry[] = []
export function remember(url: string): void {
  history.push({ url, at: new Date() })
}
`
const HISTORY_COMPILED = `const history = []; export function remember(url) { history.push({ url, at: new Date() }) }
//# source${'MappingURL' /* in two parts, or it would be this file's own */}=history.js.map
`
// The one function of the one compiled line begins at column 44; in the source at line 3, column 16.
const HISTORY_MAP = JSON.stringify({ version: 3, sources: ['history.ts'], names: [], mappings: 'AACA,qBACA' })

const SERVER = `
import { createServer } from 'node:http'
import { remember } from './history.js'
createServer((req, res) => {
  // Enough that a machine with other work does not hide it.
  if (req.url === '/leak') for (let count = 0; count < 3; count += 1) remember(req.headers.host + Math.random())
  if (req.url === '/die') process.exit(3)
  res.end('ok')
}).listen(process.env.PORT, '127.0.0.1')
`
const files = (spec: string) => ({
  'server.js': SERVER,
  'history.js': HISTORY_COMPILED,
  'history.js.map': HISTORY_MAP,
  'history.ts': HISTORY_SOURCE,
  'package.json': '{"type":"module","scripts":{"start":"node server.js"}}',
  'a.test.ts': IMPORT + spec,
})

describe.each(MAJORS)('memory on Vitest %i', (major) => {
  const pool = major === 4 ? 'threads' : 'forks'
  test(`a leak fails its test with the file and line, behind \`npm start\` too, and a sound server passes (${pool})`, async () => {
    const run = await runVitest({
      major,
      pool,
      perf: `{ server: { command: 'npm start' } }`,
      files: files(`
        test('sound', async ({ server, loadGenerator, memoryMonitor }) => {
          const memory = await memoryMonitor.during(() => loadGenerator.generateLoad({ url: '/ok', rate: 400, duration: 3_000 }))
          expect(memory).not.toLeakMemory()
          expect(memory).toMeetThresholds({ 'eventLoopDelay.p99': '<5000', 'gc.count': '>=0', 'collections.count': '>0' })
          expect(memory.kind).toBe('node')
        })
        test('leaking', async ({ server, loadGenerator, memoryMonitor }) => {
          const memory = await memoryMonitor.during(() => loadGenerator.generateLoad({ url: '/leak', rate: 400, duration: 7_000 }))
          console.log('VERDICT', memory.leak.verdict, memory.leak.reason, memory.floors.at(-1).requests)
          expect(memory).not.toLeakMemory()
        })`),
    })
    expect(run.output).toContain('1 failed | 1 passed')
    expect(run.output).toMatch(/VERDICT leak/)
    expect(run.output).toContain('Memory leak (heapUsed) in the watched target.')
    expect(run.output).toMatch(/kept growing by \d+ B per request/)
    expect(run.output).toMatch(/remember \(.*history\.ts:3\): /)
    // The kinds of what grew, from two heap snapshots.
    expect(run.output).toMatch(/ {2}grew: .*\bDate \+[\d,]+ \(\d/)
    expect(await run.leftovers()).toEqual([])
  }, 60_000)

  test('a watch that is cut short rejects, with what was sampled, and leaves nothing', async () => {
    const run = await runVitest({
      major,
      perf: `{ server: { command: 'node server.js' }, memory: { strict: true } }`,
      files: files(`
        test('times out', async ({ server, memoryMonitor }) => {
          await memoryMonitor.during(() => new Promise(() => {}))
        }, 1_500)
        test('too long for its test', async ({ server, memoryMonitor }) => {
          await expect(memoryMonitor.monitor(60_000)).rejects.toThrow(/timeout of 8000 ms/)
        }, 8_000)
        test('the server dies', async ({ server, memoryMonitor }) => {
          const watch = memoryMonitor.monitor(2_000).catch((error) => error)
          await new Promise((resolve) => setTimeout(resolve, 500))
          void fetch(server.url + '/die').catch(() => {})
          const error = await watch
          console.log('DIED', error.code, error.partial.samples.length > 0, error.partial.leak.verdict)
        })
        test('mistakes', async ({ memoryMonitor }) => {
          await expect(memoryMonitor.monitor(-1, { intervalMs: 0, gc: 1 })).rejects.toThrow(/duration[^]*intervalMs[^]*gc/)
        })
        test('strict', async ({ memoryMonitor }) => {
          const memory = await memoryMonitor.monitor(100)
          expect(() => expect(memory).not.toLeakMemory()).toThrow('\`strict\` is on')
          expect(memory).not.toLeakMemory({ strict: false })
        })
        test('this process', async ({ memoryMonitor }) => {
          const memory = await memoryMonitor.monitor(300, { intervalMs: 20 })
          expect(memory.samples.length).toBeGreaterThan(4)
          class Row { list = [1, 2, 3] }
          const kept = []
          const calls = await memoryMonitor.measure(function keep() { kept.push(new Row()) }, { iterations: 10_000 })
          expect(calls.leak.verdict).toBe('leak')
          expect(['keep', 'Row']).toContain(calls.leak.suspects[0].function)
          expect(calls.leak.constructors.map(({ name }) => name)).toContain('Row')
          expect(new MemoryMonitor().takeSnapshot().heapUsed).toBeGreaterThan(1e6)
        })`),
    })
    expect(run.timedOut).toBe(false)
    expect(run.output).toContain('DIED PERF_MEMORY true inconclusive')
    // The one that timed out, and the one whose server died under it.
    expect(run.output).toContain('2 failed | 4 passed')
    expect(await run.leftovers()).toEqual([])
  })

  test('what Vitest keeps of assertions is not held against the code, and what the code keeps beside them is found', async () => {
    // In the pools of `vm` each file has a `Set` of its own, and Vitest's spies are in one.
    const pool = major === 4 ? 'forks' : 'vmThreads'
    const run = await runVitest({
      major,
      pool,
      files: {
        'package.json': '{"type":"module"}',
        'a.test.ts': `${IMPORT}
        import { onTestFinished, vi } from 'vitest'
        const kept = []
        const spy = vi.fn((order) => ({ ...order, rows: [1, 2, 3] }))
        test('sound', async ({ memoryMonitor }) => {
          onTestFinished(() => console.log('FINISHED'))
          const resolves = await memoryMonitor.measure(async () => {
            await expect(Promise.resolve(1)).resolves.toBe(1)
          }, { iterations: 2_000 })
          const rejects = await memoryMonitor.measure(async () => {
            await expect(Promise.reject(new Error('no'))).rejects.toThrow('no')
          }, { iterations: 1_000 })
          console.log('SOUND', resolves.leak.verdict, rejects.leak.verdict, resolves.leak.bytesPerRequest)
        })
        test('leaking', async ({ memoryMonitor }) => {
          const { leak } = await memoryMonitor.measure(async () => {
            kept.push({ list: [1, 2, 3, 4, 5, 6, 7, 8] })
            await expect(Promise.resolve(1)).resolves.toBe(1)
          }, { iterations: 2_000 })
          console.log('LEAKING', leak.verdict, leak.bytesPerRequest)
          expect(leak.verdict, leak.reason).toBe('leak')
          expect(leak.bytesPerRequest).toBeLessThan(400)
        })
        test('spies', async ({ memoryMonitor }) => {
          spy({ name: 'before' })
          const sound = await memoryMonitor.measure(() => {
            spy({ name: 'order ' + Math.random() })
            vi.fn()('of this call')
          }, { iterations: 1_500 })
          const polled = await memoryMonitor.measure(async () => {
            await expect.poll(() => 1).toBe(1)
          }, { iterations: 300 })
          console.log('SPIES', sound.leak.verdict, polled.leak.verdict, sound.leak.bytesPerRequest, polled.leak.bytesPerRequest)
          // What was recorded before, and the last call.
          expect(spy).toHaveBeenCalledTimes(2)
          expect(spy.mock.calls[0]).toEqual([{ name: 'before' }])
          expect(spy.mock.results[1].value.name).toMatch(/^order/)
          const { leak } = await memoryMonitor.measure(() => {
            spy({ name: 'order ' + Math.random() })
            kept.push({ list: [1, 2, 3, 4, 5, 6, 7, 8] })
          }, { iterations: 2_000 })
          expect(leak.verdict, leak.reason).toBe('leak')
          expect(leak.bytesPerRequest).toBeLessThan(400)
        })
        test('spies on methods, and inline snapshots', async ({ memoryMonitor }) => {
          const api = { load: () => 1, kept: () => 1 }
          vi.spyOn(api, 'kept').mockReturnValue(2)
          const restored = await memoryMonitor.measure(() => {
            const spied = vi.spyOn(api, 'load').mockReturnValue(2)
            api.load()
            spied.mockRestore()
          }, { iterations: 1_500 })
          const uncalled = await memoryMonitor.measure(() => {
            vi.spyOn(api, 'load').mockRestore()
            vi.fn()
          }, { iterations: 1_500 })
          const compared = await memoryMonitor.measure(() => {
            expect(1 + 2).toMatchInlineSnapshot(\`3\`)
          }, { iterations: 2_000 })
          console.log('RESTORED', restored.leak.verdict, uncalled.leak.verdict, compared.leak.verdict)
          expect([api.load(), api.kept()]).toEqual([1, 2])
          vi.restoreAllMocks()
          expect(api.kept()).toBe(1)
        })
        test('forgotten', async ({ memoryMonitor }) => {
          await memoryMonitor.measure(() => void expect(Promise.resolve(1)).resolves.toBe(1), { iterations: 24 })
        })`,
      },
    })
    expect(run.output).toMatch(/SOUND (stable|inconclusive) (stable|inconclusive)/)
    expect(run.output).toContain('LEAKING leak')
    expect(run.output).toMatch(/SPIES (stable|inconclusive) (stable|inconclusive)/)
    expect(run.output).toMatch(/RESTORED (stable|inconclusive) (stable|inconclusive) (stable|inconclusive)/)
    expect(run.output).toContain('FINISHED')
    // Vitest 4 warns of an assertion that nobody awaited, 5 fails its test.
    expect(run.output).toContain('was not awaited')
    expect(run.output).toMatch(major === 4 ? /5 passed/ : /1 failed \| 4 passed/)
  }, 120_000)
})
