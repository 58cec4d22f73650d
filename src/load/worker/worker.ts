import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import process from 'node:process'
import { realClock } from '../../lifecycle/clock.ts'
import { readWallClock } from '../../lifecycle/real-timers.ts'
import { isLoopback } from '../../server-url.ts'
import { forkLoadChild } from '../spec/load-child.ts'
import { LoadProcesses } from '../spec/load-processes.ts'
import { AllowedTargets } from './allowed-targets.ts'
import { readBuild } from './build.ts'
import { MasterConnection } from './master-connection.ts'
import { importCodec } from './message-codec.ts'
import { PlanGate, proveToken } from './signed-plan.ts'
import { usageMeter } from './usage.ts'
import { WorkerLoads, type EndedLoad } from './worker-loads.ts'
import type { WorkerHello, WorkerReport, WorkerRequest } from './worker-messages.ts'
import { importZeromqWire } from './zeromq-wire.ts'

export interface WorkerOptions {
  /** Of the Locust master. */
  readonly host: string
  readonly port: number
  /** Load processes. */
  readonly processes: number
  /** `VITEST_PERF_TOKEN`. */
  readonly token: string | undefined
  /** Patterns of targets that may be loaded: see `AllowedTargets`. Empty: any. */
  readonly allowed: readonly string[]
  /** Called with a line for each event. */
  print(line: string): void
  /** Called when it has joined a master, and when that is gone. */
  onMaster?(isThere: boolean): void
}

export interface Worker {
  /** Ends its loads and leaves the master. */
  stop(): void
}

/**
 * Starts a worker: it joins the Locust master of a load test, runs the loads that come with a valid plan, and waits for the next.
 *
 * @throws {TypeError} if a pattern of `allowed` cannot be read.
 * @throws {Error} if a package that it needs is missing.
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { host, port, processes, token, allowed, print, onMaster } = options
  const targets = allowed.length > 0 ? new AllowedTargets(allowed) : undefined
  const [codec, open] = [await importCodec(), await importZeromqWire(host, port)]
  const { version, hash: build } = readBuild()
  const name = `${hostname()}:${process.pid}`
  const id = randomBytes(16).toString('hex')
  const proof = proveToken(id, token)
  const own = { id, name, version, build, processes, isLocal: isLoopback(host) }
  const hello: WorkerHello = { type: 'hello', ...own, ...(proof === undefined ? {} : { proof }) }
  const gate = new PlanGate({ recipient: id, token })
  const children = new LoadProcesses(realClock, forkLoadChild)
  // Each takes a moment to start.
  const slots = Array.from({ length: processes }, (_, slot) => slot)
  for (const slot of slots) children.at(slot)
  const loads = new WorkerLoads({
    clock: realClock,
    engine: (slot) => children.engine(slot),
    processes,
    openPlan: (plan) => gate.open(plan, readWallClock()),
    ...(targets ? { targets } : {}),
    send: (report) => send(report),
    showStats: (report) => connection.showStats(report),
    onBegin: () => {},
    onEnd: (load) => print(describeLoad(load)),
    onRefused: (why) => print(why),
  })
  const connection = new MasterConnection({
    clock: realClock,
    codec,
    open,
    name,
    usage: usageMeter(() => slots.flatMap((slot) => pidOf(children, slot) ?? [])),
    isLoaded: () => loads.isLoaded,
    listener: {
      onJoined() {
        print(`joined the master at ${host}:${port}`)
        onMaster?.(true)
        send(hello)
      },
      onMessage: (message) => loads.onRequest(message as WorkerRequest),
      onLost(why) {
        print(`the master ${why}; waiting for the next`)
        loads.endAll('the master was lost')
        onMaster?.(false)
      },
      onShow: () => loads.show(true),
      onStop: () => loads.show(false),
    },
  })
  const send = (report: WorkerReport) => connection.send(report)
  return {
    stop() {
      loads.endAll('the worker was ended')
      connection.close()
    },
  }
}

function pidOf(children: LoadProcesses, slot: number): number | undefined {
  const line = children.at(slot).openLine({ onMessage() {}, onLost() {} })
  line.close()
  return line.pid
}

function describeLoad({ plan, duration, requests, errors, outcome }: EndedLoad): string {
  const what = plan.title ?? plan.scenario?.name ?? plan.requests[0]?.name ?? 'load'
  const took = `${(duration / 1_000).toFixed(1)} s`
  return `${what} on ${plan.url}: ${requests} requests, ${errors} errors in ${took}, ${outcome}`
}
