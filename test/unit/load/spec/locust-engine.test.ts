import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { LoadGenerator } from '../../../../src/load/spec/load-generator.ts'
import type { LocustMaster } from '../../../../src/load/spec/locust-master.ts'
import { readBuild } from '../../../../src/load/worker/build.ts'
import type { LoadResult } from '../../../../src/results/load-result.ts'
import type { Clock } from '../../../../src/lifecycle/clock.ts'
import { VirtualClock } from '../../virtual-clock.ts'
import { hasLocust } from '../../../e2e/harness/workers.ts'
import { findFreePort } from '../../../../src/server/port.ts'

// The spec's side against a master that is scripted: what goes wrong. With Locust and workers: test/e2e/locust.test.ts.

const MASTER = fileURLToPath(new URL('../../../programs/scripted-master.mjs', import.meta.url))
const { version, hash } = readBuild()
const HELLO = { id: 'f'.repeat(32), name: 'host-b:7', version, build: hash, processes: 1, isLocal: true }

interface ScriptedWorker {
  hello?: Partial<typeof HELLO>
  does?: 'refuse' | 'go' | 'kill-master'
}

/** A command that starts the scripted master. */
function masterOf(script: { workers?: ScriptedWorker[]; dies?: number; slow?: number }): string {
  const workers = script.workers?.map((worker) => ({ ...worker, hello: { ...HELLO, ...worker.hello } }))
  return `env SCRIPT='${JSON.stringify({ ...script, workers })}' ${process.execPath} ${MASTER}`
}

interface Attempt {
  command: string
  workers?: number
  waitForWorkers?: number
  url?: string
  port?: number
  signal?: AbortSignal
  clock?: Clock
}

/** Runs a load that must fail; returns its error. */
async function failureOf({ command, workers = 1, waitForWorkers = 20_000, url, port, signal, clock }: Attempt) {
  const listen = `127.0.0.1:${port ?? (await findFreePort())}`
  const engine = { use: 'locust', workers, listen, command, waitForWorkers } as const
  const load = { url: url ?? 'http://127.0.0.1:9/', amount: 10, engine, ...(signal ? { signal } : {}) }
  const context = clock ? { worker: { clock, processes: undefined as never } } : {}
  return new LoadGenerator(context).generateLoad(load).then(
    () => {
      throw new Error('did not reject')
    },
    (error: unknown) => error as Error & { code: string; partial: LoadResult },
  )
}

/** The masters of this process. */
function masters(): Map<string, LocustMaster> | undefined {
  return (process as unknown as Record<symbol, Map<string, LocustMaster>>)[
    Symbol.for('vitest-plugin-perf.locust-masters')
  ]
}

afterEach(() => {
  for (const master of masters()?.values() ?? []) master.end()
  masters()?.clear()
})

it('says how to install Locust', async () => {
  const error = await failureOf({ command: 'no-such-locust' })
  expect(error.code).toBe('PERF_LOAD')
  expect(error.message).toMatch(
    /The Locust master on 127\.0\.0\.1:\d+ could not be started: there is no program `no-such-locust`/,
  )
  expect(error.message).toMatch(/Install Locust 2\.12 or later/)
  expect(error.partial).toMatchObject({ requests: 0, aborted: true })
})

it.runIf(hasLocust)('says that Locust is too old', async () => {
  const old = 'import locust.runners as r; r.__version__ = "2.8.6"; from locust.main import main; main()'
  const error = await failureOf({ command: `/usr/bin/python3 -c '${old}'` })
  expect(error.message).toMatch(
    /^The Locust master on 127\.0\.0\.1:\d+ is Locust 2\.8\.6, which is too old\. Install Locust 2\.12 or later/,
  )
})

it('shows the last lines of a master that does not start', async () => {
  const error = await failureOf({ command: masterOf({ dies: 3 }) })
  expect(error.message).toMatch(/exited with code 3\nIts last lines:\nTraceback: there is no gevent here/)
})

it('says that Locust did not start in time', async () => {
  const error = await failureOf({ command: masterOf({ slow: 60_000 }), waitForWorkers: 300 })
  expect(error.message).toMatch(/Locust did not start in 300 ms/)
})

it('says who holds the port', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const error = await failureOf({ command: masterOf({}), port, waitForWorkers: 300 })
  server.close()
  expect(error.message).toMatch(new RegExp(`Port ${port} on 127.0.0.1 was taken for 300 ms.*fileParallelism`))
})

it('names the workers that have joined where some are missing, and says how to start the others', async () => {
  const clock = new VirtualClock()
  const failure = failureOf({ command: masterOf({ workers: [{}] }), workers: 2, clock })
  await expect.poll(() => [...(masters()?.values() ?? [])][0]?.workers.size, { timeout: 10_000 }).toBe(1)
  clock.advance(20_000)
  const { message } = await failure
  expect(message).toMatch(/In 20\.0 s 1 of 2 workers \(host-b:7\) joined the master on 127\.0\.0\.1:\d+/)
  expect(message).toMatch(/npx vitest-plugin-perf worker --master HOST:\d+/)
})

it('refuses a worker of another version', async () => {
  const { message } = await failureOf({ command: masterOf({ workers: [{ hello: { version: '0.0.1' } }] }) })
  expect(message).toMatch(
    /^The worker host-b:7 runs vitest-plugin-perf 0\.0\.1 \(build .*Install the same version on both sides/,
  )
  const built = await failureOf({ command: masterOf({ workers: [{ hello: { build: 'ffffffffffff' } }] }) })
  expect(built.message).toMatch(/build ffffffffffff/)
})

it('refuses a loopback target for a worker on another machine', async () => {
  const { message } = await failureOf({ command: masterOf({ workers: [{ hello: { isLocal: false } }] }) })
  expect(message).toMatch(/which for the worker host-b:7 is its own machine\. Set `engine\.target`/)
})

it('names a worker that is lost, that refuses the load, and a master that is lost', async () => {
  const gone = await failureOf({ command: masterOf({ workers: [{ does: 'go' }] }) })
  expect(gone.message).toMatch(/^The worker host-b:7 closed its connection \(process 1 of 1/)
  const refused = await failureOf({ command: masterOf({ workers: [{ does: 'refuse' }] }) })
  expect(refused.message).toMatch(/^The worker host-b:7 refused the load: A plan without a signature was refused\./)
  const lost = await failureOf({ command: masterOf({ workers: [{ does: 'kill-master' }] }) })
  expect(lost.message).toMatch(/The Locust master on 127\.0\.0\.1:\d+ was ended by SIGKILL/)
  expect(lost.partial).toMatchObject({ requests: 0, aborted: true })
})

it('ends at once when it is aborted while it waits', async () => {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 200)
  const error = await failureOf({ command: masterOf({}), signal: controller.signal })
  expect(error).toMatchObject({ name: 'AbortError', partial: { aborted: true, requests: 0 } })
})
