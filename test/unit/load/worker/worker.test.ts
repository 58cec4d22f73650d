import { decode, encode } from '@msgpack/msgpack'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serialize } from 'node:v8'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Router } from 'zeromq'
import { readMachineClock } from '../../../../src/lifecycle/real-timers.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import { dividePlan } from '../../../../src/load/plan/share.ts'
import { signPlan, type SignedPlan } from '../../../../src/load/worker/signed-plan.ts'
import type { WorkerPlan, WorkerReport, WorkerRequest } from '../../../../src/load/worker/worker-messages.ts'

// A real worker of `dist/`, and a master that anybody could be who reaches its port.

const CLI = new URL('../../../../dist/cli/main.js', import.meta.url).pathname
const TOKEN = 'a token of 16 characters or more'

/** A master of its own, in Locust's protocol. */
class OwnMaster {
  readonly #router = new Router({ linger: 0 })
  readonly #waiting: ((report: WorkerReport) => void)[] = []
  readonly #reports: WorkerReport[] = []
  #worker: { identity: Buffer; node: string } | undefined

  async listen(): Promise<string> {
    await this.#router.bind('tcp://127.0.0.1:0')
    void this.#read()
    return (this.#router.lastEndpoint as string).replace('tcp://', '')
  }

  async #read(): Promise<void> {
    for await (const [identity, bytes] of this.#router) {
      const [type, data, node] = decode(bytes as Buffer) as [string, Uint8Array, string]
      this.#worker = { identity: identity as Buffer, node }
      if (type === 'client_ready') await this.#say('ack', { index: 0 })
      if (type === 'heartbeat') await this.#say('perf_beat')
      if (type === 'perf') this.#onReport(decode(data) as WorkerReport)
    }
  }

  #onReport(report: WorkerReport): void {
    const waiting = this.#waiting.shift()
    if (waiting) waiting(report)
    else this.#reports.push(report)
  }

  async #say(type: string, data: unknown = null): Promise<void> {
    if (this.#worker) await this.#router.send([this.#worker.identity, encode([type, data, this.#worker.node])])
  }

  send(request: WorkerRequest): Promise<void> {
    return this.#say('perf', encode(request, { ignoreUndefined: true }))
  }

  next(): Promise<WorkerReport> {
    const known = this.#reports.shift()
    return known ? Promise.resolve(known) : new Promise((resolve) => this.#waiting.push(resolve))
  }

  async until<Type extends WorkerReport['type']>(type: Type): Promise<Extract<WorkerReport, { type: Type }>> {
    for (;;) {
      const report = await this.next()
      if (report.type === type) return report as Extract<WorkerReport, { type: Type }>
    }
  }

  close(): void {
    this.#router.close()
  }
}

function startWorker(args: string[], env: Record<string, string> = {}) {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [CLI, 'worker', ...args], { env: { PATH, HOME, ...env } })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  return { child, output: () => output, exited: once(child, 'close') as Promise<[number | null]> }
}

describe('a worker', () => {
  const master = new OwnMaster()
  const target = createServer((_, response) => {
    requests += 1
    response.end('ok')
  })
  let requests = 0
  let url: string
  let recipient: string
  let worker: ReturnType<typeof startWorker>

  beforeAll(async () => {
    await once(target.listen(0, '127.0.0.1'), 'listening')
    url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/`
    const address = await master.listen()
    worker = startWorker(['--master', address, '--allow', url], { VITEST_PERF_TOKEN: TOKEN })
    const hello = await master.until('hello')
    recipient = hello.id
    // By it the spec knows whether a loopback target is the worker's own.
    expect(hello.isLocal).toBe(true)
  })

  afterAll(async () => {
    worker.child.kill('SIGKILL')
    master.close()
    target.close()
    target.closeAllConnections()
  })

  function signed(options: { now?: number; token?: string | undefined; on?: string } = {}): SignedPlan {
    const [plan] = dividePlan(resolveLoadOptions({ url: options.on ?? url, amount: 3, connections: 1 }, { env: {} }), 1)
    const bundle = createHash('sha256').update('').digest('hex')
    const contents: WorkerPlan = { bundle, runs: [{ slot: 0, plan: plan! }] }
    const signing = { recipient, now: Date.now(), token: TOKEN, ...options }
    return signPlan({ plan: serialize(contents), bundle: new Uint8Array() }, signing)
  }

  async function refusalOf(plan: unknown): Promise<string> {
    const load = `load ${Math.random()}`
    await master.send({ type: 'plan', load, plan: plan as SignedPlan })
    const refused = await master.until('refused')
    expect(refused.load).toBe(load)
    return refused.why
  }

  test('runs a plan that was signed for it, once', async () => {
    const plan = signed()
    await master.send({ type: 'plan', load: 'first', plan })
    const armed = await master.until('pass')
    expect(armed.message).toEqual({ type: 'armed', id: 'first' })
    await master.send({ type: 'pass', slot: 0, message: { type: 'go', id: 'first', at: readMachineClock() } })
    for (;;) {
      const { message } = await master.until('pass')
      if (message.type === 'end') break
    }
    expect(requests).toBe(3)
    expect(await refusalOf(plan)).toMatch(/already run/)
    expect(requests).toBe(3)
  })

  test('refuses every other plan, and says why here and there', async () => {
    requests = 0
    const plan = signed()
    const bytes = Buffer.from(plan.plan, 'base64')
    bytes[bytes.length - 1]! ^= 1
    const refusals = [
      await refusalOf({ ...plan, plan: bytes.toString('base64') }),
      await refusalOf({ ...plan, bundle: Buffer.from('import "evil"').toString('base64') }),
      await refusalOf(signed({ token: undefined })),
      await refusalOf(signed({ token: 'another token of some length' })),
      await refusalOf(signed({ now: Date.now() - 120_000 })),
      await refusalOf(signed({ now: Date.now() + 120_000 })),
      await refusalOf(undefined),
      await refusalOf(signed({ on: 'http://127.0.0.1:9/' })),
    ]
    expect(refusals).toEqual([
      expect.stringContaining('whose signature is wrong'),
      expect.stringContaining('whose signature is wrong'),
      expect.stringContaining('without a signature'),
      expect.stringContaining('whose signature is wrong'),
      expect.stringContaining('signed 2m 00s ago'),
      expect.stringContaining('2m 00s ahead'),
      expect.stringContaining('cannot be read'),
      expect.stringContaining('does not load 127.0.0.1:9'),
    ])
    expect(requests).toBe(0)
    for (const why of refusals) await expect.poll(() => worker.output(), { timeout: 10_000 }).toContain(why)
  })
})

describe('the command', () => {
  test.each([
    [['--master', '10.0.0.5:5557'], {}, /VITEST_PERF_TOKEN is not set.*openssl rand/],
    [['--master', '10.0.0.5'], {}, /--master HOST:PORT.*got 10\.0\.0\.5/],
    [[], {}, /--master HOST:PORT.*got nothing/],
    [['--master', '127.0.0.1:5557', '--processes', '0'], {}, /--processes to be an integer.*got 0/],
    [['--master', '127.0.0.1:5557', '--allow', 'http://a/orders'], {}, /'http:\/\/a\/orders' has a path/],
    [['--master', '127.0.0.1:5557', '--exit-after', 'soon'], {}, /--exit-after to be a time.*got soon/],
  ])('%j ends with what to do', async (args, env, message) => {
    const { exited, output } = startWorker(args, env)
    expect(await exited).toEqual([1, null])
    expect(output()).toMatch(message)
    expect(output()).not.toMatch(/^\s+at /m)
  })

  test('--exit-after ends a worker without a master', async () => {
    const { exited, output } = startWorker(['--master', '127.0.0.1:9', '--exit-after', '300ms'])
    expect(await exited).toEqual([1, null])
    expect(output()).toContain('no master at 127.0.0.1:9 for 300 ms: ending')
  })
})
