import { createHash } from 'node:crypto'
import { serialize } from 'node:v8'
import { expect, it } from 'vitest'
import { LoadError } from '../../../../src/errors.ts'
import type { LoadReportMessage, LoadRequestMessage, RowlessProgress } from '../../../../src/load/messages.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import type { LoadEngineListener } from '../../../../src/load/spec/load-engine.ts'
import { AllowedTargets } from '../../../../src/load/worker/allowed-targets.ts'
import { WorkerLoads, type EndedLoad } from '../../../../src/load/worker/worker-loads.ts'
import type { WorkerPlan, WorkerReport } from '../../../../src/load/worker/worker-messages.ts'
import { VirtualClock } from '../../virtual-clock.ts'

/** The line of a run to a load process, as a test plays it. */
interface PlayedLine {
  readonly slot: number
  readonly listener: LoadEngineListener
  readonly sent: LoadRequestMessage[]
  isKilled: boolean
  isClosed: boolean
}

function startLoads(options: { allowed?: string[]; refusal?: string } = {}) {
  const clock = new VirtualClock()
  const lines: PlayedLine[] = []
  const reports: WorkerReport[] = []
  const ended: EndedLoad[] = []
  const loads = new WorkerLoads({
    clock,
    processes: 2,
    engine: (slot) => ({
      open(listener) {
        const line: PlayedLine = { slot, listener, sent: [], isKilled: false, isClosed: false }
        lines.push(line)
        return {
          send: (message) => line.sent.push(message),
          kill: () => (line.isKilled = true),
          retire() {},
          isShared: () => false,
          close: () => (line.isClosed = true),
        }
      },
    }),
    openPlan: (plan) =>
      options.refusal === undefined
        ? { contents: plan as { plan: Uint8Array; bundle: Uint8Array } }
        : { refusal: { reason: 'altered', message: options.refusal } },
    ...(options.allowed ? { targets: new AllowedTargets(options.allowed) } : {}),
    send: (report) => reports.push(report),
    showStats() {},
    onBegin() {},
    onEnd: (load) => ended.push(load),
    onRefused() {},
  })
  return { clock, lines, reports, ended, loads }
}

const CODE = 'export default () => {}'
const PLAN = resolveLoadOptions({ url: 'http://10.0.0.7:3000/orders', amount: 10 }, { env: {} })

function planMessage(slots: readonly number[], { bundle = CODE, plan = PLAN } = {}) {
  const hash = createHash('sha256').update(CODE).digest('hex')
  const contents: WorkerPlan = { bundle: hash, runs: slots.map((slot) => ({ slot, plan })) }
  return {
    type: 'plan',
    load: 'l1',
    plan: { plan: serialize(contents), bundle: Buffer.from(bundle) } as never,
  } as const
}

function endMessage(requests: number): LoadReportMessage {
  const progress = { requests, errors: { total: 1 } } as RowlessProgress
  return { type: 'end', id: 'l1', end: { outcome: 'completed' }, progress, rows: [], completed: requests }
}

it('runs the shares of a plan, each in its load process, and tells of the load when all have ended', () => {
  const { clock, lines, reports, ended, loads } = startLoads()
  loads.onRequest(planMessage([0, 1]))
  expect(lines.map(({ slot }) => slot)).toEqual([0, 1])
  for (const { sent } of lines) expect(sent).toEqual([{ type: 'run', id: 'l1', plan: PLAN, waits: true, lease: 2_000 }])
  loads.onRequest({ type: 'pass', slot: 1, message: { type: 'go', id: 'l1', at: 5 } })
  expect(lines[1]?.sent.at(-1)).toEqual({ type: 'go', id: 'l1', at: 5 })
  expect(lines[0]?.sent).toHaveLength(1)
  expect(loads.isLoaded).toBe(true)
  clock.advance(1_000)
  lines[0]?.listener.onMessage(endMessage(6))
  lines[1]?.listener.onMessage(endMessage(4))
  expect(reports.map((report) => 'slot' in report && report.slot)).toEqual([0, 1])
  expect(ended).toMatchObject([{ duration: 1_000, requests: 10, errors: 2, outcome: 'completed' }])
  expect(lines.every(({ isClosed }) => isClosed)).toBe(true)
  expect(loads.isLoaded).toBe(false)
})

it('sends at most four ticks a second on', () => {
  const { clock, lines, reports, loads } = startLoads()
  loads.onRequest(planMessage([0]))
  for (let tick = 0; tick < 20; tick += 1) {
    lines[0]?.listener.onMessage({ type: 'tick', id: 'l1', completed: tick })
    lines[0]?.listener.onMessage({ type: 'tick', id: 'of another load', completed: tick })
    clock.advance(100)
  }
  expect(reports.length).toBeGreaterThanOrEqual(6)
  expect(reports.length).toBeLessThanOrEqual(8)
})

it('does not run a plan that is refused, nor one twice, nor one with another bundle', () => {
  const refused = startLoads({ refusal: 'A plan whose signature is wrong was refused' })
  refused.loads.onRequest(planMessage([0]))
  expect(refused.lines).toEqual([])
  expect(refused.reports).toEqual([{ type: 'refused', load: 'l1', why: 'A plan whose signature is wrong was refused' }])
  const { lines, reports, loads } = startLoads()
  loads.onRequest(planMessage([0], { bundle: 'export default () => steal()' }))
  expect(reports).toMatchObject([{ type: 'refused', why: expect.stringMatching(/bundle is not the one of its plan/) }])
  loads.onRequest(planMessage([0]))
  loads.onRequest(planMessage([0]))
  expect(lines).toHaveLength(1)
})

it('loads allowed targets alone, and has its load processes look at each connection', () => {
  const { lines, reports, loads } = startLoads({ allowed: ['10.0.0.8'] })
  loads.onRequest(planMessage([0]))
  expect(lines).toEqual([])
  expect(reports).toMatchObject([{ type: 'refused', why: expect.stringMatching(/does not load 10\.0\.0\.7:3000/) }])
  const limited = startLoads({ allowed: ['10.0.0.7'] })
  limited.loads.onRequest(planMessage([0]))
  expect(limited.lines[0]?.sent[0]).toMatchObject({ plan: { allowedTargets: ['10.0.0.7'] } })
})

it('gives a scenario its code back', () => {
  const { lines, loads } = startLoads()
  const options = { url: 'http://10.0.0.7:3000/', scenario: './visit.ts', amount: 10 }
  loads.onRequest(planMessage([0], { plan: resolveLoadOptions(options, { env: {} }) }))
  expect(lines[0]?.sent[0]).toMatchObject({ plan: { scenario: { code: CODE } } })
})

it('tells its load processes that it lives, as long as they run something', () => {
  const { clock, lines, loads } = startLoads()
  loads.onRequest(planMessage([0, 1]))
  clock.advance(1_100)
  const beat = { type: 'beat', id: 'l1' }
  for (const { sent } of lines) expect(sent.slice(1)).toEqual([beat, beat])
  for (const { listener } of lines) listener.onMessage(endMessage(3))
  expect(clock.pending).toBe(0)
})

it('tells of a load process that is lost', () => {
  const { lines, reports, ended, loads } = startLoads()
  loads.onRequest(planMessage([0, 1]))
  lines[1]?.listener.onLost(new LoadError('The load process (pid 7) was ended by SIGKILL'))
  expect(reports).toEqual([{ type: 'lost', load: 'l1', slot: 1, why: expect.stringMatching(/SIGKILL/) }])
  loads.endAll('the master was lost')
  expect(lines[0]?.sent.at(-1)).toEqual({ type: 'abort', id: 'l1' })
  expect(ended).toEqual([])
})

it('ends all within 250 ms, a load process that does not answer by force', () => {
  const { clock, lines, ended, loads } = startLoads()
  loads.onRequest(planMessage([0, 1]))
  loads.endAll('the master was lost')
  lines[0]?.listener.onMessage(endMessage(3))
  clock.advance(251)
  expect(lines.map(({ isKilled }) => isKilled)).toEqual([false, true])
  expect(ended).toMatchObject([{ outcome: 'the master was lost', requests: 3 }])
  expect(loads.isLoaded).toBe(false)
  expect(clock.pending).toBe(0)
})

it('ends a load process by force when it is told to', () => {
  const { lines, loads } = startLoads()
  loads.onRequest(planMessage([1]))
  loads.onRequest({ type: 'kill', load: 'l1', slot: 0 })
  loads.onRequest({ type: 'kill', load: 'l1', slot: 1 })
  expect(lines.map(({ isKilled }) => isKilled)).toEqual([true])
})

it('says what its clocks show', () => {
  const { clock, reports, loads } = startLoads()
  clock.advance(40)
  loads.onRequest({ type: 'time', at: 3 })
  expect(reports).toEqual([{ type: 'time', at: 3, machine: clock.machineNow(), wall: clock.origin + 40 }])
})
