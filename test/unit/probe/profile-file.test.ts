import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { cpuTimes, type CpuProfile } from '../../../src/probe/cpu-samples.ts'
import { writeProfile } from '../../../src/probe/profile-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'perf-profile-file-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const DEPTH = 255

/** What a recursive program leaves: `stacks` different stacks, each of 255 frames and with one sample. */
function recursiveProfile(stacks: number): CpuProfile {
  const frame = (functionName: string, url = 'file:///app/ä.js') => {
    return { functionName, scriptId: url === '' ? '0' : '7', url, lineNumber: 1, columnNumber: 2 }
  }
  const nodes: { id: number; callFrame: ReturnType<typeof frame>; children: number[] }[] = [
    { id: 1, callFrame: frame('(root)', ''), children: [] },
  ]
  const samples: number[] = []
  for (let stack = 0; stack < stacks; stack += 1) {
    let parent = nodes[0]
    for (let depth = 0; depth < DEPTH; depth += 1) {
      const node = { id: nodes.length + 1, callFrame: frame('visit'), children: [] }
      parent?.children.push(node.id)
      nodes.push(node)
      parent = node
    }
    samples.push(nodes.length)
  }
  return {
    nodes,
    startTime: 0,
    endTime: stacks * 1_000,
    samples,
    timeDeltas: samples.map((_, index) => (index === 0 ? 0 : 1_000)),
  }
}

describe('writeProfile', () => {
  it.each([1, 7, 100_000])('writes the same as JSON.stringify, %d elements at a time', (piece) => {
    const file = join(folder, `${piece}.cpuprofile`)
    const profile = recursiveProfile(3)
    expect(writeProfile(file, profile, piece)).toBe(statSync(file).size)
    expect(readFileSync(file, 'utf8')).toBe(JSON.stringify(profile))
  })

  it('leaves no half of a file behind', () => {
    const file = join(folder, 'half.cpuprofile')
    const profile = { ...recursiveProfile(1), endTime: 1n as unknown as number }
    expect(() => writeProfile(file, profile)).toThrow(/BigInt/)
    expect(existsSync(file)).toBe(false)
  })
})

it('a profile of 250 000 nodes is read without a path for each of them', () => {
  const times = cpuTimes(recursiveProfile(1_000))
  expect(times.functions.find(({ frame }) => frame.functionName === 'visit')).toMatchObject({ self: 1e6, total: 1e6 })
})
