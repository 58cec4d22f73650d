import { describe, expect, it } from 'vitest'
import { parseSchedstat, readProcessorTimes } from '../../../src/probe/processor-time.ts'

describe('parseSchedstat', () => {
  it('reads milliseconds from nanoseconds', () => {
    expect(parseSchedstat('7020162 139786302 7\n')).toEqual({ running: 7.020162, ready: 139.786302 })
  })

  it.each(['', 'none', '1', '- 2 3'])('refuses %j', (text) => {
    expect(() => parseSchedstat(text)).toThrow(RangeError)
  })
})

describe.skipIf(process.platform !== 'linux')('readProcessorTimes', () => {
  it('counts the work of this thread for it and for its process', () => {
    const before = readProcessorTimes()
    const cpu = process.cpuUsage()
    let used = 0
    do {
      const { user, system } = process.cpuUsage(cpu)
      used = (user + system) / 1_000
    } while (used < 50)
    const after = readProcessorTimes()
    const ran = (after?.thread.running ?? 0) - (before?.thread.running ?? 0)
    expect(ran).toBeGreaterThan(10)
    expect((after?.process.running ?? 0) - (before?.process.running ?? 0)).toBeGreaterThanOrEqual(ran * 0.9)
  })
})
