import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHosts, findNamespaceObstacle, type Hosts } from './harness/namespaces.ts'
import { startRecordingTarget, type RecordingTarget } from './harness/recording-target.ts'
import { cleanEnvironment, removeProjects, startVitest } from './harness/run-vitest.ts'
import { hasLocust, startWorker, type RunningWorker } from './harness/workers.ts'

// Two workers, the controller (Vitest and its Locust master) and the target, each on a host of its own. Whatever is killed or cut, no
// request leaves a worker 2.5 s later: by the record of the target.

const obstacle = hasLocust ? findNamespaceObstacle() : 'there is no `locust`'
const CONTROLLER = fileURLToPath(new URL('../programs/locust-controller.mjs', import.meta.url))
const TOKEN = 'a token of two hosts, not to be guessed'
const HOSTS = ['controller', 'one', 'other', 'target'] as const
type Host = (typeof HOSTS)[number]
/** Milliseconds after which no request may reach the target, and how long it is watched after that. */
const LAST_REQUEST = 2_500
const WATCHED = 500
/** Requests of a worker: a second of them. */
const ENOUGH = 50

interface Outcome {
  /** More than 250 ms after an abort. */
  isLate: boolean
  /** Unix milliseconds. */
  at: number
  name: string
  message: string
  requests: number
}

let hosts: Hosts<Host>
let target: RecordingTarget
const workers = {} as Record<'one' | 'other', RunningWorker>

function startWorkerOn(
  host: 'one' | 'other',
  env: Record<string, string> = { VITEST_PERF_TOKEN: TOKEN },
): RunningWorker {
  const master = `${hosts.addresses.controller}:5557`
  return startWorker(['--master', master], env, (command, args, options) => hosts.spawn(host, command, args, options))
}

function engine() {
  return { use: 'locust', workers: 2, listen: `${hosts.addresses.controller}:5557`, waitForWorkers: 30_000 }
}

/** Vitest's side of loads, without Vitest. */
function startController() {
  const child = hosts.spawn('controller', process.execPath, [CONTROLLER], {
    env: cleanEnvironment({ VITEST_PERF_TOKEN: TOKEN }),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout! })
  const say = (order: unknown) => child.stdin?.write(`${JSON.stringify(order)}\n`)
  return {
    child,
    say,
    async ended(): Promise<Outcome> {
      const [line] = (await once(lines, 'line')) as [string]
      return JSON.parse(line) as Outcome
    },
    /** Begins a long load; resolves when both workers have sent enough requests that their first rows are here too. */
    async begin(): Promise<void> {
      const already = { one: fromWorker('one').length, other: fromWorker('other').length }
      say({ url: target.url, rate: 100, duration: 60_000, engine: engine() })
      await expect
        .poll(
          () => fromWorker('one').length > already.one + ENOUGH && fromWorker('other').length > already.other + ENOUGH,
          {
            timeout: 40_000,
          },
        )
        .toBe(true)
    },
  }
}

function fromWorker(host: 'one' | 'other'): number[] {
  return target.times(hosts.addresses[host])
}

/** Resolves `LAST_REQUEST` ms after `since` and a bit; expects that nothing came in between those. */
async function expectSilence(since: number): Promise<void> {
  await delay(Math.max(0, since + LAST_REQUEST + WATCHED - Date.now()))
  const late = target.times().filter((time) => time > since + LAST_REQUEST)
  expect(late.map((time) => time - since)).toEqual([])
}

/** Children of a process by what they run. */
function childOf(pid: number, what: RegExp): number {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1])
      if (parent === pid && what.test(readFileSync(`/proc/${entry}/cmdline`, 'utf8'))) return Number(entry)
    } catch {
      // It is gone.
    }
  }
  throw new Error(`Process ${pid} has no child ${String(what)}`)
}

describe.skipIf(obstacle)(`workers on hosts of their own${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let controller: ReturnType<typeof startController>

  beforeAll(async () => {
    hosts = createHosts(HOSTS)
    target = await startRecordingTarget(hosts, 'target')
    workers.one = startWorkerOn('one')
    workers.other = startWorkerOn('other')
    controller = startController()
  })

  afterAll(async () => {
    await hosts.remove()
    await removeProjects()
  })

  test('an abort ends a load within 250 ms, and its requests', async () => {
    await controller.begin()
    const since = Date.now()
    controller.say('abort')
    const { isLate, name, requests } = await controller.ended()
    expect(name).toBe('AbortError')
    expect(isLate).toBe(false)
    expect(requests).toBeGreaterThan(0)
    await expectSilence(since)
  })

  test('a worker that cannot be reached any more ends the load of all, and its own', async () => {
    await controller.begin()
    const since = Date.now()
    hosts.cut('other')
    const { message, requests, at } = await controller.ended().finally(async () => {
      await delay(Math.max(0, since + LAST_REQUEST - Date.now()))
      // What it still sends would arrive now.
      hosts.mend('other')
    })
    expect(message).toMatch(/^The worker \S+ sent nothing for 2 s/)
    expect(requests).toBeGreaterThan(0)
    expect(at - since).toBeLessThan(4_000)
    await expectSilence(since)
  })

  test('workers that lose their master end their loads, though they reach the target', async () => {
    await controller.begin()
    const ended = controller.ended()
    const since = Date.now()
    hosts.cut('controller')
    await expectSilence(since).finally(() => hosts.mend('controller'))
    const { message, requests } = await ended
    expect(message).toMatch(/^The worker \S+ sent nothing for 2 s/)
    expect(requests).toBeGreaterThan(0)
    for (const worker of Object.values(workers))
      expect(worker.output()).toMatch(/the master was lost|sent nothing for 2 s/)
  })

  test.for(['SIGSTOP', 'SIGKILL'] as const)('a worker that gets a %s ends the load of all', async (signal) => {
    await controller.begin()
    const since = Date.now()
    workers.other.child.kill(signal)
    const { message, requests, at } = await controller.ended()
    expect(message).toMatch(/^The worker \S+ (closed its connection|sent nothing for 2 s)/)
    expect(requests).toBeGreaterThan(0)
    expect(at - since).toBeLessThan(4_000)
    await expectSilence(since)
    workers.other.child.kill('SIGKILL')
    workers.other = startWorkerOn('other')
  })

  test('a master that is killed ends the load, and the next load has another one', async () => {
    await controller.begin()
    const since = Date.now()
    process.kill(childOf(controller.child.pid as number, /locust/), 'SIGKILL')
    const { message, requests, at } = await controller.ended()
    expect(message).toMatch(/^The Locust master on 10\.77\.0\.1:5557 was ended by SIGKILL/)
    expect(requests).toBeGreaterThan(0)
    expect(at - since).toBeLessThan(1_000)
    await expectSilence(since)
    await controller.begin()
    controller.say('abort')
    expect(await controller.ended()).toMatchObject({ name: 'AbortError' })
    controller.child.kill('SIGKILL')
  })

  test('a Vitest that is killed ends its loads, and nothing of it is left', async () => {
    const load = `{ url: '${target.url}', rate: 100, duration: 60_000, engine: ${JSON.stringify(engine())} }`
    const running = await startVitest({
      major: 4,
      env: { VITEST_PERF_TOKEN: TOKEN },
      files: {
        'a.test.js': `import { test } from 'vitest-plugin-perf'
            test('long', { timeout: 90_000 }, async ({ loadGenerator }) => { await loadGenerator.generateLoad(${load}) })`,
      },
      spawn: (command, args, options) => hosts.spawn('controller', command, args, options),
    })
    const before = target.times().length
    await expect.poll(() => target.times().length, { timeout: 40_000 }).toBeGreaterThan(before + 20)
    const since = Date.now()
    running.child.kill('SIGKILL')
    await expectSilence(since)
    expect(await (await running.finished).leftovers()).toEqual([])
  })
})
