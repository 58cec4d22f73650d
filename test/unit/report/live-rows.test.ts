import { describe, expect, test } from 'vitest'
import { LiveState } from '../../../src/report/live-state.ts'
import { renderLiveRows } from '../../../src/report/live-rows.ts'
import { createPaint } from '../../../src/report/paint.ts'
import { columnsOf } from '../../../src/report/screen-text.ts'
import { progressArtifact } from './samples.ts'

const HOSTILE = 'break\u001b[2J\r\nthe\u0007 screen \u202Eesrever 注文を読む 👨‍👩‍👧 नमस्ते é'
const plain = createPaint(false)

function exampleState(): LiveState {
  const state = new LiveState()
  for (let tick = 0; tick < 30; tick += 1) {
    const elapsed = tick * 300
    const requestsPerSecond = 1_000 + 300 * Math.sin(tick / 3)
    state.progress('test-1', progressArtifact({ elapsed, progress: elapsed / 10_000, requestsPerSecond }), elapsed)
  }
  state.progress(
    'test-2',
    progressArtifact({
      id: 'load-2',
      title: HOSTILE,
      requestsPerSecond: 123_456.7,
      p50: 0.42,
      p99: 12_345.6,
      errors: 98_765,
      elapsed: 100_000,
      planned: 190_000,
    }),
    8_700,
  )
  state.progress(
    'test-3',
    {
      type: 'perf:progress',
      id: 'memory-1',
      attempt: 0,
      kind: 'memory',
      title: 'watch',
      progress: 0.25,
      elapsed: 2_500,
      memory: { timestamp: 0, rss: 734_003_200 },
    },
    8_700,
  )
  state.progress(
    'test-3',
    {
      type: 'perf:progress',
      id: 'load-3',
      attempt: 0,
      kind: 'load',
      title: 'amount, just begun',
      progress: 0,
      elapsed: 0,
    },
    8_700,
  )
  return state
}

function render(width: number, { height = 40, colors = false, now = 8_700 } = {}): string[] {
  return renderLiveRows(exampleState().running(), { width, height, paint: createPaint(colors), now })
}

describe('live rows', () => {
  test.each([40, 60, 80, 112, 113, 160])('look as agreed at %i columns', async (width) => {
    await expect(`${render(width).join('\n')}\n`).toMatchFileSnapshot(`golden/live-rows-${width}.txt`)
  })

  test.each(Array.from({ length: 61 }, (_, index) => 40 + index * 2))('never fill %i columns', (width) => {
    const rows = render(width, { colors: width % 4 === 0 })
    for (const row of rows) expect(columnsOf(row)).toBeLessThan(width)
    expect(rows.join('')).not.toMatch(/[\u0000-\u001a\u001c-\u001f\u007f-\u009f\u202a-\u202e]/)
  })

  test('say the same with colours and without', () => {
    const colored = render(100, { colors: true })
    expect(colored.join('')).toContain('\u001b[31m98,765')
    expect(colored.map((row) => row.replace(/\u001b\[\d+m/g, ''))).toEqual(render(100))
  })

  test('move with the clock between two progresses', () => {
    const [first] = render(80, { now: 8_700 })
    const [later] = render(80, { now: 10_400 })
    expect(first).toContain('2s left')
    expect(later).toContain('ending')
    expect(later?.split('━').length).toBeGreaterThan(first?.split('━').length ?? 0)
  })

  test('name what does not fit the height', () => {
    const rows = render(80, { height: 5 })
    expect(rows).toHaveLength(5)
    expect(rows.at(-1)).toContain('and 2 more running')
    expect(render(80, { height: 8 })).toHaveLength(8)
    expect(render(80, { height: 0 })).toEqual([])
  })

  test('with nothing running are none', () => {
    expect(renderLiveRows([], { width: 80, height: 10, paint: plain, now: 0 })).toEqual([])
  })
})

describe('live state', () => {
  test('knows the first progress of a measurement from the next', () => {
    const state = new LiveState()
    expect(state.progress('a', progressArtifact(), 0)).toBe(true)
    expect(state.progress('a', progressArtifact(), 1)).toBe(false)
    expect(state.progress('b', progressArtifact(), 2)).toBe(true)
    expect(state.running()).toHaveLength(2)
  })

  test('ends a measurement, a test and the attempts before a retry', () => {
    const state = new LiveState()
    state.progress('a', progressArtifact({ id: 'one' }), 0)
    state.progress('a', progressArtifact({ id: 'two' }), 0)
    state.progress('b', progressArtifact({ id: 'three' }), 0)
    state.end('a', 'one')
    expect(state.running().map(({ latest }) => latest.id)).toEqual(['two', 'three'])
    expect(state.progress('a', progressArtifact({ id: 'two', attempt: 1 }), 1)).toBe(true)
    expect(state.running().map(({ attempt }) => attempt)).toEqual([0, 1])
    state.end('a')
    expect(state.running().map(({ testId }) => testId)).toEqual(['b'])
  })

  test('keeps no more history than a row can show', () => {
    const state = new LiveState()
    for (let at = 0; at < 10_000; at += 1) state.progress('a', progressArtifact({ requestsPerSecond: at }), at)
    const [entry] = state.running()
    expect(entry?.rates.length).toBeLessThanOrEqual(40)
    expect(entry?.rates.at(-1)).toBe(9_999)
  })
})
