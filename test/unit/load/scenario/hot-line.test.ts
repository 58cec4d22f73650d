import type { Profiler } from 'node:inspector'
import { expect, test } from 'vitest'
import { hottestLine } from '../../../../src/load/scenario/hot-line.ts'

const URL = 'file:///bundle.mjs'
const frame = (functionName: string, url: string, lineNumber: number): Profiler.ProfileNode['callFrame'] => ({
  functionName,
  url,
  lineNumber,
  columnNumber: 0,
  scriptId: '0',
})
const own = (url: string, line: number) => (url === URL ? { file: 'shop.scenario.ts', line: line + 101 } : undefined)

function profile(
  nodes: (Pick<Profiler.ProfileNode, 'id' | 'callFrame'> & Partial<Profiler.ProfileNode>)[],
): Profiler.Profile {
  return { nodes, startTime: 0, endTime: 1 }
}

test('the line with most of the samples, idle time left out', () => {
  const hot = hottestLine(
    profile([
      { id: 1, callFrame: frame('(root)', '', -1), children: [2, 3] },
      { id: 2, callFrame: frame('(idle)', '', -1), hitCount: 1_000 },
      {
        id: 3,
        callFrame: frame('browse', URL, 4),
        hitCount: 10,
        positionTicks: [{ line: 6, ticks: 10 }],
        children: [4],
      },
      {
        id: 4,
        callFrame: frame('burn', URL, 9),
        hitCount: 30,
        positionTicks: [
          { line: 12, ticks: 20 },
          { line: 11, ticks: 10 },
        ],
      },
    ]),
    own,
  )
  // Line 12 of the bundle, from 1, is line 11 from 0.
  expect(hot).toEqual({
    file: 'shop.scenario.ts',
    line: 112,
    functionName: 'burn',
    share: 0.75,
    shareOfAll: 30 / 1_040,
  })
})

test('what is called outside of the scenario is the cost of the function that calls it', () => {
  const hot = hottestLine(
    profile([
      { id: 1, callFrame: frame('(root)', '', -1), children: [2, 5] },
      { id: 2, callFrame: frame('buy', URL, 20), hitCount: 1, positionTicks: [{ line: 22, ticks: 1 }], children: [3] },
      { id: 3, callFrame: frame('parse', 'file:///node_modules/x.js', 1), children: [4] },
      { id: 4, callFrame: frame('deep', 'node:crypto', 1), hitCount: 7 },
      { id: 5, callFrame: frame('ours', 'file:///dist/run.js', 1), hitCount: 2 },
    ]),
    own,
  )
  expect(hot).toEqual({ file: 'shop.scenario.ts', line: 121, functionName: 'buy', share: 0.8, shareOfAll: 0.8 })
})

test.for([
  ['shop_scenario_default', 'default'],
  ['my_default', 'my_default'],
] as const)('a default export that Vite named %s is called %s', ([bundled, written]) => {
  const busy = profile([{ id: 1, callFrame: frame(bundled, URL, 4), hitCount: 9 }])
  expect(hottestLine(busy, own)?.functionName).toBe(written)
})

test('nothing of the scenario', () => {
  expect(
    hottestLine(profile([{ id: 1, callFrame: frame('ours', 'file:///dist/run.js', 1), hitCount: 2 }]), own),
  ).toBeUndefined()
})
