import { URL } from 'node:url'
import { LoadError } from '../../errors.ts'
import type { Clock } from '../../lifecycle/clock.ts'
import { isLoopback } from '../../server-url.ts'
import { formatDuration } from '../../units.ts'
import type { LoadEnd, LoadRequestMessage } from '../messages.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import type { PlannedLocust } from '../plan/locust-options.ts'
import { widthOf } from '../plan/share.ts'
import { readSettings } from '../../settings.ts'
import { readBuild } from '../worker/build.ts'
import { findProofProblem } from '../worker/signed-plan.ts'
import { importCodec } from '../worker/message-codec.ts'
import { emptyProgress } from './empty-progress.ts'
import type { LoadEngine, LoadEngineLine, LoadEngineListener } from './load-engine.ts'
import { LocustMaster } from './locust-master.ts'
import type { RemoteWorker } from './remote-worker.ts'
import { severalProcesses } from './several-processes.ts'

/** Milliseconds that the message to begin has to reach all workers: two hops of a network, and a master in Python. */
const HEAD_START = 150

type RunMessage = Extract<LoadRequestMessage, { type: 'run' }>

/** Generates loads with workers that a Locust master finds, watches and stops. */
export function locustEngine(engine: PlannedLocust, clock: Clock): LoadEngine {
  return { open: (listener) => new LocustLoad(engine, clock, listener) }
}

type State =
  | { readonly is: 'new' }
  | { readonly is: 'preparing'; readonly run: RunMessage; readonly ending: AbortController }
  | {
      readonly is: 'running'
      readonly master: LocustMaster
      readonly line: LoadEngineLine
      readonly detach: () => void
    }
  | { readonly is: 'over' }

/** A load from the wait for its workers to its end. While it runs it is one of several processes, each in a worker. */
class LocustLoad implements LoadEngineLine {
  readonly #engine: PlannedLocust
  readonly #clock: Clock
  readonly #listener: LoadEngineListener
  #state: State = { is: 'new' }

  constructor(engine: PlannedLocust, clock: Clock, listener: LoadEngineListener) {
    this.#engine = engine
    this.#clock = clock
    this.#listener = listener
  }

  send(message: LoadRequestMessage): void {
    if (message.type === 'run') return this.#prepare(message)
    if (this.#state.is === 'running') return this.#state.line.send(message)
    // Whoever asks for the end is in the middle of a change of state, and wants no answer now.
    if (this.#state.is === 'preparing') this.#clock.soon(() => this.#endEarly(message))
  }

  #endEarly(message: LoadRequestMessage): void {
    if (this.#state.is === 'running') return this.#state.line.send(message)
    if (this.#state.is !== 'preparing') return
    if (message.type === 'stop') this.#endUnbegun(this.#state.run, { outcome: 'stopped' })
    if (message.type === 'abort') this.#endUnbegun(this.#state.run, { outcome: 'aborted' })
  }

  #prepare(run: RunMessage): void {
    const ending = new AbortController()
    this.#state = { is: 'preparing', run, ending }
    prepare(run.plan, this.#engine, { clock: this.#clock, signal: ending.signal }).then(
      (ready) => this.#begin(run, ready),
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error)
        this.#endUnbegun(run, { outcome: 'failed', message })
      },
    )
  }

  /** Ends without a result: nothing was sent. */
  #endUnbegun(run: RunMessage, end: LoadEnd): void {
    if (this.#state.is !== 'preparing') return
    const { ending } = this.#state
    this.#state = { is: 'over' }
    ending.abort()
    this.#tellEnd(run, end)
  }

  #tellEnd(run: RunMessage, end: LoadEnd): void {
    const { samples, ...progress } = emptyProgress(run.plan, this.#clock)
    this.#listener.onMessage({
      type: 'end',
      id: run.id,
      end,
      progress: { ...progress, aborted: true },
      rows: samples,
      completed: 0,
    })
  }

  #begin(run: RunMessage, { master, workers }: ReadyWorkers): void {
    if (this.#state.is !== 'preparing') return
    const engines = slotsOf(workers, run.plan).map(({ worker, slot }) => worker.engine(slot))
    let hasBegun = false
    const line = severalProcesses(engines, this.#clock, HEAD_START).open({
      onMessage: (message) => {
        hasBegun = true
        if (message.type === 'end') this.#release()
        this.#listener.onMessage(message)
      },
      onLost: (error) => {
        const { is } = this.#state
        this.#release()
        if (is === 'over') return
        // Asked a second time, they could be waited for once more.
        if (hasBegun) this.#listener.onLost(error)
        else this.#tellEnd(run, { outcome: 'failed', message: error.message })
      },
    })
    const stop = () => line.send({ type: 'stop', id: run.id })
    this.#state = { is: 'running', master, line, detach: master.attach({ onChange() {}, onStop: stop }) }
    if (this.#engine.web !== undefined) this.#show(run, master, this.#engine.web)
    line.send({ ...run, plan: { ...run.plan, engine: 'built-in' } })
  }

  #show({ id, plan }: RunMessage, master: LocustMaster, port: number): void {
    master.show(widthOf(plan).count)
    this.#listener.onMessage({
      type: 'log',
      id,
      level: 'log',
      text: `Locust shows this load on http://127.0.0.1:${port}`,
    })
  }

  #release(): void {
    if (this.#state.is === 'running') {
      this.#state.master.hide()
      this.#state.detach()
    }
    if (this.#state.is === 'preparing') this.#state.ending.abort()
    this.#state = { is: 'over' }
  }

  kill(): void {
    if (this.#state.is === 'running') this.#state.line.kill()
    this.#release()
  }

  retire(): void {}

  isShared(): boolean {
    return false
  }

  close(): void {
    if (this.#state.is === 'running') this.#state.line.close()
    this.#release()
  }
}

interface ReadyWorkers {
  readonly master: LocustMaster
  readonly workers: readonly RemoteWorker[]
}

/** Waits for the master and its workers, and for what their clocks show. */
async function prepare(
  plan: LoadPlan,
  engine: PlannedLocust,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<ReadyWorkers> {
  const codec = await importCodec()
  const master = LocustMaster.shared(engine, codec)
  const waiting = new AbortController()
  const cancel = clock.after(engine.waitForWorkers, () => waiting.abort(tooLate(master, engine)))
  try {
    const both = AbortSignal.any([signal, waiting.signal])
    const workers = await master.until(() => enoughWorkers(master, plan, engine), both)
    await Promise.all(workers.map((worker) => worker.measureClock()))
    return { master, workers }
  } finally {
    cancel()
  }
}

/** @throws {LoadError} for a worker that cannot run the load. */
function enoughWorkers(master: LocustMaster, plan: LoadPlan, engine: PlannedLocust): RemoteWorker[] | undefined {
  const joined = [...master.workers.values()]
  for (const worker of joined) {
    const problem = findTokenProblem(worker) ?? findBuildProblem(worker) ?? findLoopbackProblem(worker, plan)
    if (problem !== undefined) throw new LoadError(problem)
  }
  return joined.length < engine.workers ? undefined : joined.slice(0, engine.workers)
}

/** Plans hold code and data: they are not for everybody who reaches the port. */
function findTokenProblem({ hello: { id, name, proof } }: RemoteWorker): string | undefined {
  const problem = findProofProblem(id, proof, readSettings().token)
  return problem === undefined
    ? undefined
    : `The worker ${name} ${problem}. If it is not yours, close the master's port to others.`
}

function findBuildProblem({ hello: { name, version, build } }: RemoteWorker): string | undefined {
  const own = readBuild()
  if (version === own.version && build === own.hash) return undefined
  return `The worker ${name} runs vitest-plugin-perf ${version} (build ${build}), and Vitest runs ${own.version} (build ${own.hash}). Install the same version on both sides, and start the worker again.`
}

function findLoopbackProblem({ hello: { name, isLocal } }: RemoteWorker, { url }: LoadPlan): string | undefined {
  if (isLocal || !isLoopback(new URL(url).hostname)) return undefined
  return `The load is on ${url}, which for the worker ${name} is its own machine. Set \`engine.target\` to where workers reach the server, such as 'http://10.0.0.5:{port}', and have the server listen there (\`server: { host: '0.0.0.0' }\`). A worker on this machine joins over loopback: \`--master 127.0.0.1:PORT\`.`
}

/** Why a load did not begin in time. */
function tooLate(master: LocustMaster, { host, port, workers, waitForWorkers }: PlannedLocust): LoadError {
  const waited = formatDuration(waitForWorkers)
  const { is } = master.state
  if (is === 'waiting-for-port') {
    return new LoadError(
      `Port ${port} on ${host} was taken for ${waited}, so no Locust master could listen there. Test files that run at the same time cannot share it: set \`fileParallelism: false\`, or another \`engine.listen\`.`,
    )
  }
  if (is === 'starting') return new LoadError(`Locust did not start in ${waited}.\n${master.errors}`)
  const names = [...master.workers.values()].map(({ hello }) => hello.name)
  const joined = names.length === 0 ? 'no worker' : `${names.length} of ${workers} workers (${names.join(', ')})`
  return new LoadError(
    `In ${waited} ${joined} joined the master on ${host}:${port}, and \`engine.workers\` is ${workers}. Start each with \`npx vitest-plugin-perf worker --master HOST:${port}\`, where HOST is this machine${isLoopback(host) ? '; for workers on other machines set `engine.listen`' : ''}, or give them more time with \`engine.waitForWorkers\` and the test's timeout.`,
  )
}

/** The load processes that share a load, in turns over the workers, so that arrivals alternate between machines. */
function slotsOf(workers: readonly RemoteWorker[], plan: LoadPlan): { worker: RemoteWorker; slot: number }[] {
  const most = Math.max(...workers.map(({ hello }) => hello.processes))
  const slots = Array.from({ length: most }, (_, slot) => workers.map((worker) => ({ worker, slot })))
    .flat()
    .filter(({ worker, slot }) => slot < worker.hello.processes)
  // No process without a connection, or without a request to send.
  return slots.slice(0, Math.min(widthOf(plan).count, plan.amount ?? Infinity))
}
