import { afterEach, describe, expect, it, vi } from 'vitest'
import { PerfOptionsError } from '../../../src/errors.ts'
import { findMemoryOptionIssues, resolveMemoryOptions } from '../../../src/memory/memory-options.ts'

afterEach(() => void vi.unstubAllEnvs())

describe('findMemoryOptionIssues', () => {
  it('accepts every documented option', () => {
    const signal = new AbortController().signal
    for (const target of ['server', 'self', 1234, { pid: 1234 }]) {
      const config = {
        target,
        intervalMs: 50,
        sampleCount: 3,
        warmupSamples: 0,
        gc: false,
        diagnose: true,
        strict: true,
        signal,
      }
      expect(findMemoryOptionIssues({ ...config, title: 'checkout' })).toEqual([])
    }
    expect(findMemoryOptionIssues({})).toEqual([])
  })

  it('finds every mistake at once', () => {
    const issues = findMemoryOptionIssues(
      { intervalMs: 0, sampleCount: 0, warmupSamples: -1, gc: 'yes', target: -3, interval: 100 },
      'memory',
    )
    expect(issues.map(({ option }) => option).sort()).toEqual([
      'memory.gc',
      'memory.interval',
      'memory.intervalMs',
      'memory.sampleCount',
      'memory.target',
      'memory.warmupSamples',
    ])
    const sentences = issues.map(({ message }) => message).join('\n')
    expect(sentences).toContain(
      "Expected `memory.intervalMs` to be a positive number of milliseconds, or a text such as '10s' (ms, s, m, h), got `0` (number)",
    )
    expect(sentences).toContain("`memory.target` to be 'server', 'self', a process id or a server, got `-3` (number)")
    expect(sentences).toContain('did you mean `intervalMs`?')
  })

  it.each([NaN, Infinity, -1, 2 ** 31, '100', null])('refuses %s as an interval', (intervalMs) => {
    expect(findMemoryOptionIssues({ intervalMs })).toHaveLength(1)
  })
})

describe('resolveMemoryOptions', () => {
  it('puts the defaults of the contract in place', () => {
    vi.stubEnv('CI', undefined)
    expect(resolveMemoryOptions()).toEqual({
      strict: false,
      target: undefined,
      intervalMs: 100,
      sampleCount: Infinity,
      warmupSamples: 3,
      gc: true,
      diagnose: false,
      signal: undefined,
      title: undefined,
    })
  })

  it('lets a call win over the defaults of the fixture', () => {
    const resolved = resolveMemoryOptions({ intervalMs: 10 }, { intervalMs: 50, gc: false })
    expect(resolved).toMatchObject({ intervalMs: 10, gc: false })
  })

  it('refuses a watch that is longer than a timer can be: it would end at once', () => {
    expect(() => resolveMemoryOptions({}, {}, { duration: 2 ** 31 })).toThrow('up to 2147483647')
  })

  it('reports what stands beside the config with it', () => {
    const mistaken = () => resolveMemoryOptions({ intervalMs: 0 }, {}, { duration: -5 })
    expect(mistaken).toThrow(PerfOptionsError)
    expect(mistaken).toThrow(/`duration`[^]*`intervalMs`/)
    expect(() => resolveMemoryOptions({}, {}, { work: 'load' })).toThrow('Expected `work` to be a function')
    expect(() => resolveMemoryOptions({}, {}, { fn: () => {}, measure: { iterations: 0 } })).toThrow('`iterations`')
  })
})

describe('strict', () => {
  it.each([
    ['true', true],
    ['1', true],
    ['woodpecker', true],
    ['false', false],
    ['0', false],
    ['', false],
    [undefined, false],
  ])('with CI=%s is %s', (value, strict) => {
    vi.stubEnv('CI', value)
    expect(resolveMemoryOptions().strict).toBe(strict)
  })

  it('is what the call says, then what the plugin says', () => {
    vi.stubEnv('CI', 'true')
    expect(resolveMemoryOptions({}, { strict: false }).strict).toBe(false)
    expect(resolveMemoryOptions({ strict: true }, { strict: false }).strict).toBe(true)
  })
})
