import { expect, test } from 'vitest'
import { drawLatency } from '../../../src/results/load-chart.ts'
import { loadResult } from '../report/samples.ts'

test('the image of a load is well-formed and draws each percentile', () => {
  const svg = drawLatency(loadResult()) ?? ''
  expect(svg.match(/<polyline /g)).toHaveLength(3)
  expect(svg).not.toMatch(/NaN|undefined|Infinity/)
  const [first] = /points="([^"]+)"/.exec(svg)?.[1]?.split(' ') ?? []
  // The first point stands in the middle of the first of ten seconds.
  expect(first?.split(',')[0]).toBe(String(64 + (640 - 64 - 12) * 0.05))
})

test('a single interval is a dot, and a load without answers has no image', () => {
  const { samples, ...result } = loadResult()
  expect(drawLatency({ ...result, samples: samples.slice(0, 1) })?.match(/<circle /g)).toHaveLength(3)
  expect(drawLatency({ ...result, samples: [] })).toBeUndefined()
})
