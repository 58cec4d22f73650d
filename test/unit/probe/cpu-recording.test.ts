import { Session } from 'node:inspector'
import { expect, it } from 'vitest'
import { CpuRecording } from '../../../src/probe/cpu-recording.ts'
import { cpuTimes, type CpuProfile } from '../../../src/probe/cpu-samples.ts'
import { joinStretches } from '../../../src/probe/joined-profile.ts'

const frame = (functionName: string) => ({
  functionName,
  scriptId: '9',
  url: 'file:///app/server.js',
  lineNumber: functionName.length,
  columnNumber: 0,
})

/** A profile with a sample each millisecond of functions that `main` called; their ids follow the given order. */
function stretch(startTime: number, called: string[], samples: string[]): CpuProfile {
  const root = { functionName: '(root)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 }
  return {
    nodes: [
      { id: 1, callFrame: root, children: [2] },
      { id: 2, callFrame: frame('main'), children: called.map((_, index) => index + 3) },
      ...called.map((name, index) => ({ id: index + 3, callFrame: frame(name) })),
    ],
    startTime,
    endTime: startTime + samples.length * 1_000,
    samples: samples.map((name) => called.indexOf(name) + 3),
    timeDeltas: samples.map((_, index) => (index === 0 ? 0 : 1_000)),
  }
}

const selfTimes = (profile: CpuProfile) =>
  Object.fromEntries(cpuTimes(profile).functions.map(({ frame, self }) => [frame.functionName, self]))

it('stretches of one recording are one profile, with the functions of both', () => {
  const joined = joinStretches([
    stretch(0, ['parse', 'render'], ['parse', 'parse', 'render', 'parse']),
    stretch(4_000, ['render', 'parse', 'sum'], ['sum', 'parse', 'parse', 'render']),
  ])
  expect(selfTimes(joined)).toEqual({ main: 0, parse: 5_000, render: 2_000, sum: 1_000 })
  expect(joined).toMatchObject({ startTime: 0, endTime: 8_000 })
})

it('every other sample stands for the one that was dropped, and functions without a sample are left out', () => {
  const samples = ['parse', 'parse', 'parse', 'once', 'render', 'render']
  const halved = joinStretches([stretch(0, ['parse', 'once', 'render'], samples)], 2)
  expect(selfTimes(halved)).toEqual({ main: 0, parse: 4_000, render: 2_000 })
  expect(halved.samples).toHaveLength(3)
  expect(halved.nodes).toHaveLength(4)
})

it('takes samples less often when it has many, and keeps the beginning', async () => {
  const session = new Session()
  session.connect()
  try {
    const recording = await CpuRecording.start(session, 1_000, 40)
    const work = (until: number): number => {
      let sum = 0
      while (performance.now() < until) sum += Math.sqrt(sum + 1)
      return sum
    }
    for (let turn = 0; turn < 30; turn += 1) {
      work(performance.now() + 10)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const { samples = [], startTime, endTime } = await recording.stop()
    expect((endTime - startTime) / 1_000).toBeGreaterThan(300)
    // Sampled each millisecond, it would have some 360.
    expect(samples.length).toBeLessThan(150)
    expect(samples.length).toBeGreaterThan(2)
  } finally {
    session.disconnect()
  }
})
