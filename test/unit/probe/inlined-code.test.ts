import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, it } from 'vitest'

// npm puts the Node of this repository's packages before the system's, which may be older: compilers differ.
const installed = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .map((folder) => join(folder, 'node'))
  .find(existsSync)
const nodes = [...new Set([process.execPath, installed ?? process.execPath])]

describe('a function that was inlined before the profiler started', () => {
  it.each(nodes)('answers for its time, not its caller (%s)', (node) => {
    const output = execFileSync(node, [join(import.meta.dirname, '../../programs/inlined.mjs')], { encoding: 'utf8' })
    const shares = JSON.parse(output) as Record<string, number>
    const { hash = 0, parse = 0, spin = 0, callHash = 0, callParse = 0, callSpin = 0 } = shares
    expect(hash + parse + spin).toBeGreaterThan(0.8)
    expect(callHash).toBeLessThan(hash / 4)
    expect(callParse).toBeLessThan(parse / 4)
    expect(callSpin).toBeLessThan(spin / 4)
  })
})
