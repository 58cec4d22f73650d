import { describe, expect, it } from 'vitest'
import type { LoadError } from '../../../../src/errors.ts'
import type { LoadReportMessage } from '../../../../src/load/messages.ts'
import { VirtualWorker } from '../virtual-worker.ts'

function openLine(worker: VirtualWorker, slot = 0) {
  const messages: LoadReportMessage[] = []
  const lost: string[] = []
  const line = worker.processes.at(slot).openLine({
    onMessage: (message) => messages.push(message),
    onLost: ({ message }: LoadError) => lost.push(message),
  })
  return { line, messages, lost, pid: line.pid as number }
}

function pidInUse(worker: VirtualWorker): number {
  const { line, pid } = openLine(worker)
  line.close()
  return pid
}

/** A worker whose load process has said that it is ready. */
function serving(): VirtualWorker {
  const worker = new VirtualWorker({})
  worker.processes.at(0)
  worker.clock.advance(1)
  return worker
}

const tick: LoadReportMessage = { type: 'tick', id: 'one', completed: 0 }

describe('a load process that is lost', () => {
  it.for([
    ['exits', { code: 3, signal: null }, 'exited with code 3'],
    ['is killed', { code: null, signal: 'SIGABRT' }, 'was ended by SIGABRT'],
  ] as const)('since it %s, is lost to all of its loads, once each', ([, { code, signal }, why]) => {
    const worker = serving()
    const [one, other] = [openLine(worker), openLine(worker)]
    expect(other.pid).toBe(one.pid)
    worker.child.exit(code, signal)
    worker.clock.advance(1)
    const message = `The load process (pid ${one.pid}) ${why}; the load it ran is lost`
    expect([one.lost, other.lost]).toEqual([[message], [message]])
    worker.child.disconnect()
    worker.child.fail(new Error('write EPIPE'))
    worker.clock.advance(1_000)
    expect([one.lost.length, other.lost.length]).toEqual([1, 1])
    expect(worker.clock.pending).toBe(0)
    expect(pidInUse(worker)).not.toBe(one.pid)
  })

  it.for([
    [60, 'was ended by SIGKILL', 59],
    [150, 'could not be written to: write EPIPE', 100],
  ] as const)('has 100 ms from its first failed write to exit (it exits after %i ms)', ([exitsAfter, why, lostAt]) => {
    const worker = serving()
    const { line, lost, pid } = openLine(worker)
    worker.child.die(exitsAfter)
    worker.clock.advance(1)
    line.send({ type: 'stop', id: 'one' })
    worker.clock.advance(0.001)
    // From the first failure on, no other load gets it.
    expect(lost).toEqual([])
    expect(pidInUse(worker)).not.toBe(pid)
    worker.clock.advance(lostAt - 1)
    expect(lost).toEqual([])
    worker.clock.advance(1.1)
    expect(lost).toEqual([expect.stringContaining(why)])
    worker.clock.advance(1_000)
    expect(lost).toHaveLength(1)
  })

  it('since its channel closed, has the same time to exit', () => {
    const worker = serving()
    const { lost } = openLine(worker)
    const { child } = worker
    child.disconnect()
    worker.clock.advance(99)
    expect([lost, child.killed]).toEqual([[], false])
    worker.clock.advance(2)
    expect([lost, child.killed]).toEqual([[expect.stringContaining('closed its channel')], true])
  })

  it('without a load in it is ended at once, and the next load gets another one', () => {
    const worker = serving()
    const [first] = worker.children
    first?.disconnect()
    worker.clock.advance(0.001)
    expect(first?.killed).toBe(true)
    expect(pidInUse(worker)).not.toBe(first?.pid)
    expect(worker.clock.pending).toBe(0)
  })

  it('since it cannot be started, is lost with the reason', () => {
    const worker = new VirtualWorker({})
    worker.canStart = false
    const { lost } = openLine(worker)
    worker.clock.advance(0.001)
    expect(lost).toEqual([expect.stringMatching(/\(pid none\) could not be reached: .*ENOENT/)])
    worker.canStart = true
    expect(pidInUse(worker)).toBe(1_002)
  })

  it('by us, since it did not answer, is left at once', () => {
    const worker = serving()
    const [one, other] = [openLine(worker), openLine(worker)]
    worker.child.freeze()
    one.line.kill()
    expect(one.lost).toEqual([])
    expect(other.lost).toEqual([expect.stringContaining('did not answer and was ended')])
    expect(pidInUse(worker)).not.toBe(one.pid)
  })
})

describe('silence', () => {
  it('of 5 s ends a process with loads in it; each message counts', () => {
    const worker = serving()
    const { lost } = openLine(worker)
    worker.clock.advance(4_000)
    worker.child.say(tick)
    worker.clock.advance(5_400)
    expect(lost).toEqual([])
    worker.clock.advance(200)
    expect(lost).toEqual([expect.stringContaining('sent nothing for 5 s and was ended')])
    expect(worker.children[0]?.killed).toBe(true)
  })

  it('of 30 s ends one that starts', () => {
    const worker = new VirtualWorker({})
    worker.getsReady = false
    const { lost } = openLine(worker)
    worker.clock.advance(30_400)
    expect(lost).toEqual([])
    worker.clock.advance(200)
    expect(lost).toEqual([expect.stringContaining('sent nothing for 30 s and was ended')])
  })

  it('of one without loads means nothing, and neither does the time in which this thread was blocked', () => {
    const worker = serving()
    worker.clock.advance(60_000)
    const { lost } = openLine(worker)
    worker.clock.advance(4_000)
    worker.clock.block(60_000)
    worker.clock.advance(0.001)
    worker.child.say(tick)
    worker.clock.advance(4_000)
    expect(lost).toEqual([])
  })
})

describe('a line', () => {
  it('that was closed hears nothing, sends nothing, and can be closed again', () => {
    const worker = serving()
    const { line, lost, messages, pid } = openLine(worker)
    line.close()
    line.close()
    line.send({ type: 'stop', id: 'none' })
    expect(worker.child.sent).toEqual([])
    const another = openLine(worker)
    expect([another.pid, another.line.isShared()]).toEqual([pid, false])
    worker.child.say(tick)
    worker.clock.advance(1)
    worker.child.exit(null, 'SIGKILL')
    worker.clock.advance(1)
    expect([another.messages, another.lost.length]).toEqual([[tick], 1])
    expect([lost, messages]).toEqual([[], []])
  })

  it('keeps the worker alive as long as it is open', () => {
    const worker = serving()
    const [one, other] = [openLine(worker), openLine(worker)]
    expect([worker.child.isHeld, other.line.isShared()]).toEqual([true, true])
    one.line.close()
    expect(worker.child.isHeld).toBe(true)
    other.line.close()
    expect(worker.child.isHeld).toBe(false)
    expect(worker.clock.pending).toBe(0)
  })

  it('that retires its process leaves it to the loads that run in it', () => {
    const worker = serving()
    const [one, other] = [openLine(worker), openLine(worker)]
    one.line.retire()
    one.line.close()
    expect(pidInUse(worker)).not.toBe(one.pid)
    expect(worker.children[0]?.killed).toBe(false)
    other.line.close()
    expect(worker.children[0]?.killed).toBe(true)
    expect(other.lost).toEqual([])
  })
})
