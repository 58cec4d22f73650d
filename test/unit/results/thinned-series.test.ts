import { describe, expect, it } from 'vitest'
import { ThinnedSeries } from '../../../src/results/thinned-series.ts'

const span = (a: [number, number], b: [number, number]): [number, number] => [a[0], b[1]]

describe('ThinnedSeries', () => {
  it('keeps every row while there is room', () => {
    const series = new ThinnedSeries<[number, number]>(10, span)
    for (let at = 0; at < 9; at += 1) series.add([at, at])
    expect(series.rows()).toHaveLength(9)
  })

  it('stays bounded, even and complete however many rows come', () => {
    const series = new ThinnedSeries<[number, number]>(100, span)
    for (let at = 0; at < 36_001; at += 1) series.add([at, at])
    const rows = series.rows()
    expect(rows.length).toBeLessThanOrEqual(101)
    expect(rows.length).toBeGreaterThanOrEqual(50)
    expect(rows[0]?.[0]).toBe(0)
    expect(rows.at(-1)?.[1]).toBe(36_000)
    for (const [index, row] of rows.entries()) if (index > 0) expect(row[0]).toBe((rows[index - 1]?.[1] ?? 0) + 1)
  })
})
