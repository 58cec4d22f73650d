import { describe, expect, it } from 'vitest'
import { summarizeProfile } from '../../../src/profile/summary.ts'
import type { HotFunction, LoadProfile, ProfiledIsolate, ProfileWait } from '../../../src/results/profile-result.ts'

const hot = (attributed: number, more: Partial<HotFunction> = {}): HotFunction => ({
  function: 'parseTokens',
  location: 'src/auth.ts:42',
  self: attributed,
  total: attributed,
  code: 'own',
  attributed,
  ...more,
})
const isolate = (busy: number, more: Partial<ProfiledIsolate> = {}): ProfiledIsolate => ({
  pid: 1,
  threadId: 0,
  eventLoopUtilization: busy,
  serving: 1,
  cpu: { user: busy, idle: 1 - busy, gc: 0 },
  hot: [],
  flame: [],
  duration: 2_000,
  ...more,
})
const wait = (more: Partial<ProfileWait> = {}): ProfileWait => ({
  what: 'SELECT id, name, price, stock FROM items WHERE id = ?',
  kind: 'database',
  count: 4_100,
  perRequest: 41,
  time: 2_000,
  share: 0.82,
  p50: 0.5,
  p99: 2,
  failed: 0,
  location: 'src/orders.ts:55',
  ...more,
})

function summaryOf(parts: Partial<LoadProfile>, average = 20, load = {}): string[] {
  const profile = { duration: 2_000, requests: 100, isolates: [isolate(0.3)], waits: [], files: [], ...parts }
  return summarizeProfile(profile, average * profile.requests, load)
}

describe('what blocked the event loop', () => {
  const blocked = { duration: 400, stack: ['stringify (native)', 'parse (src/a.ts:1)'] }
  it('is told with the place of the user', () => {
    expect(summaryOf({ isolates: [isolate(0.3, { blocked })] }, 3)).toContain(
      'The event loop was blocked for 400 ms without a break, in parse (src/a.ts:1).',
    )
  })

  it('is told once', () => {
    const parse = hot(0.8, { function: 'parse', location: 'src/a.ts:1' })
    const summary = summaryOf({ isolates: [isolate(0.98, { blocked, hot: [parse] })] })
    expect(summary).toEqual([expect.stringMatching(/^The event loop was 98 % busy; 80 % of it in parse/)])
  })
})

describe('the first sentence', () => {
  it('names the function that keeps the event loop busy', () => {
    const cpu = { user: 0.86, idle: 0.02, gc: 0.12 }
    expect(summaryOf({ isolates: [isolate(0.98, { cpu, hot: [hot(0.61)] })] })).toEqual([
      'The event loop was 98 % busy; 61 % of it in parseTokens (src/auth.ts:42), 12 % in garbage collection.',
    ])
  })

  it('says in which call a function spends its time', () => {
    const load = hot(0.8, { function: 'load', location: 'src/config.ts:3', mostlyIn: 'readFileSync' })
    expect(summaryOf({ isolates: [isolate(0.95, { hot: [load] })] })[0]).toBe(
      'The event loop was 95 % busy; 80 % of it in load (src/config.ts:3), mostly in readFileSync.',
    )
  })

  it('names who made the garbage', () => {
    const cpu = { user: 0.4, idle: 0.1, gc: 0.5 }
    const garbage = { function: 'buildRows', location: 'src/rows.ts:5', share: 0.9 }
    expect(summaryOf({ isolates: [isolate(0.9, { cpu, garbage })] })[0]).toBe(
      'The event loop was 90 % busy; 56 % of it in garbage collection, mostly of what buildRows (src/rows.ts:5) had allocated.',
    )
  })

  it('names the calls that requests wait for, how many there are and who makes them', () => {
    expect(summaryOf({ waits: [wait()] })).toEqual([
      'Requests waited 82 % of their time for `SELECT … FROM items WHERE id = ?`: 41 calls a request, p50 0.50 ms (src/orders.ts:55).',
    ])
  })

  it('names a loop around a call before the work that the calls make', () => {
    const isolates = [isolate(0.95, { hot: [hot(0.5)] })]
    const [first, second] = summaryOf({ isolates, waits: [wait({ what: 'GET user:?', kind: 'cache' })] })
    expect(first).toMatch(/^Requests waited 82 % .*`GET user:\?`: 41 calls a request/)
    expect(second).toMatch(/^The event loop was 95 % busy/)
  })

  it('names an exhausted pool', () => {
    const pool = wait({ kind: 'pool', what: 'a connection of the pool to db:3306', perRequest: 1, p50: 40 })
    expect(summaryOf({ waits: [pool] }, 50)[0]).toMatch(
      /^Requests waited 82 % of their time for a connection of the pool to db:3306: 1 call a request, p50 40/,
    )
  })

  it('says that requests wait inside the process', () => {
    const [first] = summaryOf(
      { isolates: [isolate(0.1, { hot: [hot(0.5, { function: 'withLock', location: 'src/lock.ts:7' })] })] },
      60,
    )
    expect(first).toMatch(
      /on average while the event loop was 10 % busy, and made no call out of the server: they waited inside the process, for a lock, a queue, a timer or Node's thread pool; look at withLock \(src\/lock\.ts:7\)/,
    )
  })
})

describe('the work of the event loop is named', () => {
  const slow = hot(0.6)
  it.each([
    // [requests in 2 s, busy, average, named]
    ['where the loop is busy', 100, 0.98, 20, /^The event loop was 98 % busy; 60 % of it in parseTokens/],
    ['where it is most of a request, on a loop with time to spare', 20, 0.4, 42, /^The event loop worked 40\.0 ms for/],
    ['where it is the most of quick requests', 2_000, 0.98, 1, /^The event loop was 98 % busy; 60 % of it in parse/],
  ])('%s', (_, requests, busy, average, expected) => {
    expect(summaryOf({ requests, isolates: [isolate(busy, { hot: [slow] })] }, average)[0]).toMatch(expected)
  })

  it('for all isolates that answered the requests', () => {
    const isolates = [1, 2, 3, 4].map((pid) => isolate(0.95, { pid, hot: [hot(0.3)] }))
    expect(summaryOf({ requests: 2_000, isolates }, 4)[0]).toMatch(/^The event loop was 95 % busy; 30 % of it in parse/)
  })
})

/** The thread runs for this part of the time, and waits for a processor for that one. */
const onBusyMachine = (running: number, waiting: number) => ({
  processor: { running, waiting, slowdown: (running + waiting) / running },
})
const BUSY_MACHINE = expect.stringMatching(/^The machine was busy: for \d+ % of the time the server was ready to run/)

// Figures of real servers beside programs that keep all processors busy.
describe('on a busy machine', () => {
  const calls = wait({ what: 'GET 127.0.0.1:9/flags', kind: 'http', perRequest: 1 })

  it.each([
    [
      'a function that took little of each request',
      { requests: 205, isolates: [isolate(0.82, { ...onBusyMachine(0.25, 0.55), hot: [hot(0.35)] })] },
      6.3,
    ],
    [
      'calls that took as long as the server waited for a processor',
      { isolates: [isolate(0.77, onBusyMachine(0.16, 0.9))], waits: [{ ...calls, share: 0.63 }] },
      35,
    ],
    [
      'calls that the machine made nearly all of the time',
      { isolates: [isolate(0.77, onBusyMachine(0.1, 0.9))], waits: [{ ...calls, share: 0.85 }] },
      60,
    ],
    ['time that the machine made', { isolates: [isolate(0.3, onBusyMachine(0.1, 0.7))] }, 30],
    [
      'a standstill that the machine made',
      {
        isolates: [isolate(0.3, { ...onBusyMachine(0.1, 0.7), blocked: { duration: 400, stack: ['parse (a.ts:1)'] } })],
      },
      3,
    ],
  ] as [string, Partial<LoadProfile>, number][])('nobody is blamed for %s', (_, parts, average) => {
    expect(summaryOf(parts, average)).toEqual([BUSY_MACHINE, expect.stringMatching(/^Nothing stands out/)])
  })

  it.each([
    [
      'a function that took much of each request',
      { isolates: [isolate(0.98, { ...onBusyMachine(0.2, 0.8), hot: [hot(0.6)] })] },
      90,
      /60 % of it in parseTokens/,
    ],
    [
      'a slow upstream',
      { isolates: [isolate(0.3, onBusyMachine(0.14, 0.5))], waits: [{ ...calls, share: 0.96, p50: 82 }] },
      85,
      /^Requests waited 96 % of their time for `GET 127/,
    ],
    [
      'a slow upstream, where the server has a fifth of the processor that it needs',
      { isolates: [isolate(0.3, onBusyMachine(0.14, 0.57))], waits: [{ ...calls, share: 0.95, p50: 100 }] },
      110,
      /^Requests waited 95 % of their time for `GET 127/,
    ],
    [
      'a loop around a call',
      { isolates: [isolate(0.6, onBusyMachine(0.2, 0.75))], waits: [wait({ share: 0.6 })] },
      64,
      /41 calls a request/,
    ],
    [
      'an exhausted pool',
      {
        isolates: [isolate(0.4, onBusyMachine(0.15, 0.7))],
        waits: [wait({ kind: 'pool', what: 'a connection of the pool to db', perRequest: 1, share: 0.79 })],
      },
      190,
      /for a connection of the pool to db: 1 call/,
    ],
    [
      // The generator was starved too: its requests came all at once, and the server had nothing to do between them.
      'garbage, where requests came in bursts',
      {
        requests: 30,
        isolates: [
          isolate(0.7, {
            ...onBusyMachine(0.2, 0.5),
            serving: 0.74,
            cpu: { user: 0.2, idle: 0.3, gc: 0.5 },
            garbage: { function: 'buildRows', location: 'src/rows.ts:5', share: 0.9 },
          }),
        ],
      },
      117,
      /71 % of it in garbage collection, mostly of what buildRows \(src\/rows\.ts:5\) had allocated/,
    ],
    [
      'a function, where requests came in bursts',
      {
        requests: 30,
        isolates: [isolate(0.7, { ...onBusyMachine(0.2, 0.5), serving: 0.74, hot: [hot(0.6)] })],
      },
      200,
      /^The event loop worked 46\.7 ms for each request; 60 % of it in parseTokens/,
    ],
    [
      'a lock',
      { isolates: [isolate(0.12, onBusyMachine(0.11, 0.44))] },
      65,
      /waited inside the process, for a lock, a queue, a timer or Node's thread pool/,
    ],
  ] as [string, Partial<LoadProfile>, number, RegExp][])(
    'the first sentence still names %s',
    (_, parts, average, named) => {
      expect(summaryOf(parts, average)).toEqual([expect.stringMatching(named), BUSY_MACHINE])
    },
  )
})

describe('no blame', () => {
  it.each([
    [
      'the largest function of quick requests',
      { requests: 2_000, isolates: [isolate(0.85, { hot: [hot(0.35)] })] },
      0.6,
    ],
    [
      'asynchronous reading of a small file on a slow machine',
      { requests: 900, isolates: [isolate(0.63, { hot: [hot(0.28, { mostlyIn: 'readFile' })] })] },
      1.6,
    ],
    [
      'a framework that has most of quick requests',
      { requests: 1_900, isolates: [isolate(0.97, { hot: [hot(0.6, { code: 'dependency' })] })] },
      1,
    ],
    ['a busy loop without a hot function', { isolates: [isolate(0.97, { hot: [hot(0.12)] })] }, 1],
    ['calls that take less than some milliseconds', { waits: [wait({ share: 0.7, perRequest: 1 })] }, 1.5],
    ['an idle server', { isolates: [isolate(0.05)] }, 0.4],
  ] as [string, Partial<LoadProfile>, number][])('for %s', (_, parts, average) => {
    expect(summaryOf(parts, average)).toEqual([expect.stringMatching(/^Nothing stands out/)])
  })
})

describe('what a profile cannot say', () => {
  it('is said where there was no probe', () => {
    expect(summaryOf({ isolates: [] })).toEqual([expect.stringMatching(/none has our profiler in it/)])
  })

  it('leads where the generator was the limit and nothing stands out', () => {
    const [first, second] = summaryOf({ isolates: [isolate(0.4)] }, 1, { saturation: 'the load process was busy' })
    expect(first).toMatch(/^The load generator was the limit \(the load process was busy\)/)
    expect(second).toMatch(/^Nothing stands out/)
  })

  it('follows a cause that was seen all the same', () => {
    const sentences = summaryOf({ waits: [wait()] }, 20, { saturation: 'the load process was busy' })
    expect(sentences.map((sentence) => sentence.split(' ', 2).join(' '))).toEqual(['Requests waited', 'The load'])
  })
})
