import { deserialize } from 'node:v8'
import { expect, it } from 'vitest'
import type { LoadReportMessage, RowlessProgress } from '../../../../src/load/messages.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import { bestClockOffset } from '../../../../src/load/spec/clock-offset.ts'
import { clockRemarks } from '../../../../src/load/spec/clock-remarks.ts'
import { RemoteWorker } from '../../../../src/load/spec/remote-worker.ts'
import type { WorkerHello, WorkerPlan, WorkerRequest } from '../../../../src/load/worker/worker-messages.ts'
import { VirtualClock } from '../../virtual-clock.ts'

const HELLO: WorkerHello = {
  type: 'hello',
  id: 'f'.repeat(32),
  name: 'host-b:7',
  version: '1.0.0',
  build: 'abc',
  processes: 2,
  isLocal: false,
}
const PLAN = resolveLoadOptions({ url: 'http://10.0.0.7/', rate: 10, duration: 1_000 }, { env: {} })

/** A worker whose clocks are ahead of ours, behind a network with a delay in each direction. */
function joinWorker({ machine = 0, wall = 0, there = [3], back = 1 } = {}) {
  const clock = new VirtualClock()
  const requests: WorkerRequest[] = []
  const worker = new RemoteWorker(HELLO, clock, (request) => {
    requests.push(request)
    if (request.type !== 'time') return
    const delay = there[requests.length % there.length] as number
    clock.arrive(delay, () => {
      const times = { machine: clock.machineNow() + machine, wall: clock.origin + clock.now() + wall }
      clock.arrive(back, () => worker.onReport({ type: 'time', at: request.at, ...times }))
    })
  })
  const heard: (LoadReportMessage | string)[] = []
  const open = (slot: number) =>
    worker
      .engine(slot)
      .open({ onMessage: (message) => heard.push(message), onLost: ({ message }) => heard.push(message) })
  /** Lets time pass until the clocks are compared. */
  const measureClock = async () => {
    const measuring = worker.measureClock()
    for (let round = 0; round < 10; round += 1) {
      clock.advance(100)
      await Promise.resolve()
      await Promise.resolve()
    }
    await measuring
  }
  return { clock, requests, worker, heard, open, measureClock }
}

function progressOf(startedAt: number): RowlessProgress {
  return { startedAt, requests: 5, generator: { reason: 'the machine is too busy' } } as RowlessProgress
}

it('sends the shares of one load together, so that their data is sent once', async () => {
  const { clock, requests, open } = joinWorker()
  const scenario = { code: 'export default () => {}', data: { big: 'x'.repeat(10_000) } } as never
  for (const slot of [0, 1]) open(slot).send({ type: 'run', id: 'l1', plan: { ...PLAN, scenario }, waits: true })
  clock.advance(1)
  expect(requests).toHaveLength(1)
  const [{ plan, load }] = requests as [Extract<WorkerRequest, { type: 'plan' }>]
  expect(load).toBe('l1')
  expect(plan.recipient).toBe(HELLO.id)
  const bytes = Buffer.from(plan.plan, 'base64')
  expect(bytes.length).toBeLessThan(15_000)
  const { runs } = deserialize(bytes) as WorkerPlan
  expect(runs.map(({ slot }) => slot)).toEqual([0, 1])
  expect(runs[0]?.plan.scenario?.code).toBe('')
  expect(Buffer.from(plan.bundle, 'base64').toString()).toBe('export default () => {}')
})

it('says in the clocks of the worker when to begin, right to half of the shortest round trip', async () => {
  const { clock, requests, open, measureClock } = joinWorker({ machine: 1e9, wall: -7_000, there: [40, 3, 90] })
  await measureClock()
  const line = open(0)
  line.send({ type: 'run', id: 'l1', plan: PLAN, waits: true })
  const at = clock.machineNow() + 150
  line.send({ type: 'go', id: 'l1', at })
  line.send({ type: 'collection', id: 'l1', startedAt: 1_000_000, duration: 5 })
  const passed = requests.flatMap((request) => (request.type === 'pass' ? request.message : []))
  expect(Math.abs((passed[0] as { at: number }).at - (at + 1e9))).toBeLessThanOrEqual(2)
  expect(Math.abs((passed[1] as { startedAt: number }).startedAt - (1_000_000 - 7_000))).toBeLessThanOrEqual(2)
})

it('corrects the times of a worker, and names it where its clock or its start is off by more than a row', async () => {
  const { clock, worker, open, heard, measureClock } = joinWorker({ wall: 90_000 })
  await measureClock()
  const line = open(1)
  line.send({ type: 'run', id: 'l1', plan: PLAN, waits: true })
  line.send({ type: 'go', id: 'l1', at: clock.machineNow() + 150 })
  const planned = clock.origin + clock.now() + 150
  worker.onReport({ type: 'pass', slot: 0, message: { type: 'armed', id: 'of another slot' } })
  const progress = progressOf(planned + 90_000 + 400)
  worker.onReport({ type: 'pass', slot: 1, message: { type: 'progress', id: 'l1', progress, rows: [] } })
  expect(heard).toHaveLength(1)
  const told = (heard[0] as { progress: RowlessProgress }).progress
  expect(Math.abs(told.startedAt - (planned + 400))).toBeLessThanOrEqual(2)
  expect(told.remarks?.[0]).toMatch(/clock of the worker host-b:7 is 1m 30s ahead; its times were corrected/)
  expect(told.remarks?.[1]).toMatch(/worker host-b:7 began \d+ ms late/)
  expect(told.generator.reason).toBe('on the worker host-b:7, the machine is too busy')
})

it.for([
  [{ ahead: 99, begin: { planned: 1_000, actual: 1_099 } }, 0],
  [{ ahead: -101 }, 1],
  [{ ahead: 0, begin: { planned: 1_000, actual: 899 } }, 1],
  [{ ahead: 101, begin: { planned: 1_000, actual: 1_101 } }, 2],
] as const)('has a remark on more than an interval only: %o', ([time, count]) => {
  expect(clockRemarks({ name: 'host-b:7', interval: 100, ...time })).toHaveLength(count)
})

it('knows nothing of clocks without an answer', () => {
  expect(bestClockOffset([])).toEqual({ machine: 0, wall: 0, error: Infinity })
})

it('loses the load of a worker that refuses it, of a process that is lost, and every load of one that is gone', () => {
  const { worker, heard, open } = joinWorker()
  const lines = [0, 1].map(open)
  for (const line of lines) line.send({ type: 'run', id: 'l1', plan: PLAN, waits: true })
  worker.onReport({ type: 'lost', load: 'l1', slot: 1, why: 'The load process (pid 3) was ended by SIGKILL' })
  worker.onReport({ type: 'refused', load: 'of somebody else', why: 'late' })
  expect(heard).toEqual([expect.stringMatching(/^The worker host-b:7 lost a load process: .*SIGKILL/)])
  worker.onGone('The worker host-b:7 closed its connection')
  expect(heard[1]).toBe('The worker host-b:7 closed its connection')
  const other = joinWorker()
  other.open(0).send({ type: 'run', id: 'l2', plan: PLAN, waits: true })
  other.worker.onReport({ type: 'refused', load: 'l2', why: 'A plan without a signature was refused.' })
  expect(other.heard).toEqual(['The worker host-b:7 refused the load: A plan without a signature was refused.'])
})

it('does not wait for the clocks of a worker that goes', async () => {
  const worker = new RemoteWorker(HELLO, new VirtualClock(), () => {})
  const measuring = worker.measureClock()
  worker.onGone('The worker host-b:7 closed its connection')
  await measuring
})
