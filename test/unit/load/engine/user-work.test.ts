import { describe, expect, it } from 'vitest'
import { every } from '../../../../src/lifecycle/clock.ts'
import { LoadRun } from '../../../../src/load/engine/load-run.ts'
import { UserWork } from '../../../../src/load/engine/user-work.ts'
import type { LoadEnd, RowlessProgress } from '../../../../src/load/messages.ts'
import type { LoadOptions } from '../../../../src/load/plan/load-options.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import { LoadEndedError } from '../../../../src/load/scenario/request-error.ts'
import type { PlannedScenario } from '../../../../src/load/plan/scenario-plan.ts'
import type { VirtualUser } from '../../../../src/load/plan/virtual-user.ts'
import { VirtualClock } from '../../virtual-clock.ts'
import { codedError, ScriptedWire, type Script } from '../scripted-wire.ts'
import { answersAfter } from '../virtual-load.ts'

type Act = (user: VirtualUser<never>) => unknown

interface Scenario {
  readonly start?: Act
  readonly act: Act
  readonly stop?: Act
  /** What the module awaits at its top level. */
  readonly loads?: Promise<void>
}

/** A load of virtual users on a clock and against a server that a test holds. Its module is the test's own functions. */
class VirtualScenario {
  readonly clock = new VirtualClock()
  readonly wire: ScriptedWire
  readonly run: LoadRun
  readonly printed: string[] = []
  readonly progresses: RowlessProgress[] = []
  end: LoadEnd | undefined
  endedAt = Number.NaN
  /** Whether something of the scenario still ran at its end. */
  left: boolean | undefined
  result!: RowlessProgress

  constructor(
    { start, act, stop, loads = Promise.resolve() }: Scenario,
    options: LoadOptions,
    script: Script = answersAfter(10),
  ) {
    const { clock } = this
    this.wire = new ScriptedWire(clock, script)
    const given = { url: 'http://10.0.0.1/', scenario: './virtual.ts', ...options }
    const plan = resolveLoadOptions(given, { env: {} })
    const stopTicking = every(clock, 100, () => this.run.tick())
    const scenario = { ...plan.scenario, name: 'virtual.ts', mix: [['act', 1]] } as PlannedScenario
    this.run = new LoadRun({
      plan,
      report: {
        armed: () => {},
        tick: () => {},
        log: (_level, text) => this.printed.push(text),
        progress: (progress) => this.progresses.push(progress),
        end: (end, _completed, progress, _rows, left) => {
          stopTicking()
          Object.assign(this, { end, left, result: progress, endedAt: clock.now() })
        },
      },
      machine: {
        clock,
        wire: this.wire,
        measureCost: () => ({ read: () => ({ cpu: 1, eventLoopUtilization: 0.1 }), stop() {} }),
      },
      createWork: (course) =>
        new UserWork(course, scenario, () =>
          loads.then(() => ({
            start: start as never,
            stop: stop as never,
            functions: new Map([['act', act as never]]),
            mix: [['act', 1]],
            url: '',
          })),
        ),
    })
    this.run.start()
  }

  /** Runs to its end, at most so many milliseconds; nothing may be left of it then. */
  async finish(within = 60_000): Promise<RowlessProgress> {
    for (let passed = 0; passed < within && !this.end; passed += 100) await this.clock.pass(100)
    if (!this.end) throw new Error(`The load goes on after ${within} ms`)
    return this.result
  }

  /** Requests by path, in the order in which they came. */
  count(path: string): number {
    return this.wire.requests.filter((request) => request.path === path).length
  }

  get times(): number[] {
    return this.wire.requests.map(({ at }) => Math.round(at))
  }
}

const circular = new Error('round and round')
circular.cause = circular

const getItems: Act = (user) => user.get('/items')

describe('virtual users', () => {
  it('run `start` once before the first iteration, and `stop` at the end; neither is in the figures', async () => {
    const load = new VirtualScenario(
      { start: (user) => user.post('/login'), act: getItems, stop: (user) => user.post('/logout') },
      { virtualUsers: 3, amount: 12 },
    )
    const result = await load.finish()
    expect([load.count('/login'), load.count('/items'), load.count('/logout')]).toEqual([3, 12, 3])
    expect(load.wire.requests.slice(0, 3).map(({ path }) => path)).toEqual(['/login', '/login', '/login'])
    expect(result).toMatchObject({ requests: 12, iterations: { count: 12, failed: 0 } })
    expect(Object.keys(result.byName)).toEqual(['GET /items'])
    expect([load.end, load.left]).toEqual([{ outcome: 'completed' }, false])
    expect([load.wire.openLines, load.clock.pending]).toEqual([0, 0])
  })

  it('that all start are waited for; no iteration begins before', async () => {
    let started = 0
    const load = new VirtualScenario(
      {
        start: async (user) => {
          await user.think(50 * (1 + user.id))
          started += 1
        },
        act: (user) => user.get(`/${started}`),
      },
      { virtualUsers: 3, amount: 3 },
    )
    await load.finish()
    expect(load.count('/3')).toBe(3)
    expect(load.times).toEqual([151, 151, 151])
  })

  it('think: in no latency, and in the duration of the iteration', async () => {
    const load = new VirtualScenario(
      {
        act: async (user) => {
          await user.get('/items')
          await user.think(150)
          await user.get('/items')
        },
      },
      { virtualUsers: 1, amount: 2 },
    )
    const { latency, iterations } = await load.finish()
    // The first request opens its connection.
    expect([latency.min, latency.max].map(Math.round)).toEqual([10, 11])
    expect([iterations?.duration.min, iterations?.duration.max].map((time) => Math.round(time ?? 0))).toEqual([
      170, 171,
    ])
  })

  it('think for a time between two, which the seed decides', async () => {
    const thoughts = async (seed?: number) => {
      const times: number[] = []
      const act: Act = async (user) => {
        await user.get('/items')
        const before = load.clock.now()
        await user.think(200, 800)
        times.push(load.clock.now() - before)
      }
      const options = { virtualUsers: 2, amount: 200, ...(seed === undefined ? {} : { seed }) }
      const load: VirtualScenario = new VirtualScenario({ act }, options)
      await load.finish(120_000)
      return times
    }
    const first = await thoughts()
    expect(first).toHaveLength(200)
    // Of 200 in a range of 600 ms, one of (2/3) ** 200 such runs has none in a third of it.
    expect([Math.min(...first) >= 200, Math.min(...first) < 400]).toEqual([true, true])
    expect([Math.max(...first) <= 800, Math.max(...first) > 600]).toEqual([true, true])
    expect(await thoughts()).toEqual(first)
    expect(await thoughts(2)).not.toEqual(first)
  })

  it('think for durations in text', async () => {
    const times: number[] = []
    const act: Act = async (user) => {
      await user.get('/items')
      for (const think of [() => user.think('50ms'), () => user.think('1s'), () => user.think('2s', '2s')]) {
        const before = load.clock.now()
        await think()
        times.push(Math.round(load.clock.now() - before))
      }
    }
    const load: VirtualScenario = new VirtualScenario({ act }, { virtualUsers: 1, amount: 1 })
    await load.finish()
    expect(times).toEqual([50, 1_000, 2_000])
  })

  it.for([
    [5, 1],
    [-1, -1],
    ['2s', '1s'],
    [Number.NaN, 1],
  ] as const)('cannot think from %s to %s: their iteration fails', async ([shortest, longest]) => {
    const act: Act = async (user) => {
      await user.get('/items')
      await user.think(shortest, longest)
    }
    const { errors, iterations } = await new VirtualScenario({ act }, { virtualUsers: 1, amount: 2 }).finish()
    expect(iterations).toMatchObject({ count: 2, failed: 2 })
    expect(errors.byKind.scenario).toMatchObject({
      count: 2,
      message: expect.stringMatching(`user\\.think\\(min, max\\) takes .* and got ${shortest} and ${longest}`),
    })
  })

  it('are 10 unless the options say otherwise', async () => {
    const ids = new Set<number>()
    const act: Act = (user) => {
      ids.add(user.id)
      return user.get('/items')
    }
    const load = new VirtualScenario({ act }, { duration: 500 })
    await load.finish()
    expect([...ids]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(load.wire.lines.length).toBe(10)
  })

  it('ramp with stages; those that go run `stop`', async () => {
    const load = new VirtualScenario(
      {
        start: (user) => user.get(`/start/${user.id}`),
        act: async (user) => {
          await user.get('/items')
          await user.think(5)
        },
        stop: (user) => user.get(`/stop/${user.id}`),
      },
      {
        stages: [
          { duration: 400, virtualUsers: 4 },
          { duration: 400, virtualUsers: 1 },
        ],
      },
    )
    await load.finish()
    const users = (hook: string) =>
      load.wire.requests.flatMap(({ path }) => (path.startsWith(hook) ? [path.slice(hook.length)] : []))
    expect(users('/start/')).toEqual(['0', '1', '2', '3'])
    expect(users('/stop/')).toEqual(['3', '2', '1', '0'])
  })
})

describe('the open model of users', () => {
  it('begins iterations when they are due, and their first request counts from then', async () => {
    const act: Act = async (user) => {
      await user.get('/slow', { name: 'first' })
      await user.get('/items')
    }
    const load = new VirtualScenario({ act }, { rate: 20, virtualUsers: 1, amount: 4 }, answersAfter(60))
    const { byName, iterations, dropped } = await load.finish()
    expect([iterations?.count, dropped]).toEqual([4, 0])
    expect(iterations?.perSecond).toBeCloseTo(4_000 / 481, 3)
    // One user: due at 0, 50, 100 and 150 ms, and begun at 0, 121, 241 and 361.
    expect(load.times).toEqual([1, 61, 121, 181, 241, 301, 361, 421])
    expect(Math.round(byName['first']?.latency.max ?? 0)).toBe(361 + 60 - 150)
    expect(Math.round(byName['GET /items']?.latency.max ?? 0)).toBe(60)
  })

  it('begins as many iterations as stages of `rate` say', async () => {
    const load = new VirtualScenario(
      { act: getItems },
      {
        virtualUsers: 5,
        stages: [
          { duration: 500, rate: 40 },
          { duration: 500, rate: 40 },
        ],
      },
    )
    const { iterations, dropped, stages } = await load.finish()
    // The integral of the rate: 10 while it rises, 20 while it stands.
    expect([iterations?.count, dropped]).toEqual([30, 0])
    expect(stages?.map(({ requests }) => requests)).toEqual([10, 20])
    const [rising, steady] = [load.times.slice(0, 10), load.times.slice(10)]
    // In the first half of a ramp a quarter of it is due: 2.5, the one at 0 ms included.
    expect(rising.filter((at) => at < 250)).toHaveLength(3)
    expect(steady[0]).toBe(500)
    expect(new Set(steady.map((at, index) => at - (steady[index - 1] ?? at - 25)))).toEqual(new Set([25]))
  })

  it('drops an iteration that no user was free for as long as a request may take', async () => {
    const act: Act = async (user) => {
      await user.get('/items')
      await user.think(400)
    }
    const load = new VirtualScenario({ act }, { rate: 50, virtualUsers: 1, duration: 1_000, timeout: 200 })
    const { dropped } = await load.finish()
    expect(load.count('/items')).toBe(3)
    expect(dropped).toBe(47)
    // The last one, begun at 820 ms, is waited for a moment.
    expect(Math.round(load.endedAt)).toBe(1_220)
  })

  it('counts what was due and not begun as dropped where it is stopped', async () => {
    const act: Act = async (user) => {
      await user.get('/items')
      await user.think(10_000)
    }
    const load = new VirtualScenario({ act }, { rate: 100, virtualUsers: 1 })
    await load.clock.pass(500.5)
    load.run.stop()
    const { dropped, requests } = await load.finish()
    expect([requests, dropped]).toEqual([1, 50])
  })
})

describe('an iteration', () => {
  it('that sends nothing has failed, and its user waits longer each time', async () => {
    const load = new VirtualScenario({ act: () => {} }, { virtualUsers: 1, duration: 1_000 })
    const { iterations } = await load.finish()
    // At 0, 10, 30, 70, 150, 310, 560 and 810 ms.
    expect(iterations).toMatchObject({ count: 8, failed: 8 })
    expect(load.end).toMatchObject({
      outcome: 'failed',
      message: 'virtual.ts sent no request in 1000 ms (8 errors, the first: act ended without a request)',
    })
  })

  it.for([
    [null, 'threw null'],
    ['text', 'threw text'],
    [{ a: { b: 1 } }, 'threw { a: { b: 1 } }'],
    [Object.create(null), 'threw [Object: null prototype] {}'],
    [
      new Proxy(new Error('a'), {
        get: () => {
          throw new Error('no')
        },
      }),
      'threw something that cannot be shown',
    ],
    [Symbol('s'), 'threw Symbol(s)'],
    [circular, expect.stringMatching(/^act: round and round/)],
  ])('may throw anything: %#', async ([thrown, message]) => {
    const act: Act = async (user) => {
      await user.get('/items')
      throw thrown
    }
    const { iterations, errors } = await new VirtualScenario({ act }, { virtualUsers: 1, amount: 3 }).finish()
    expect(iterations).toMatchObject({ count: 3, failed: 3 })
    expect(errors.byKind.scenario).toMatchObject({
      count: 3,
      message: typeof message === 'string' ? `act: ${message}` : message,
    })
  })

  it.for(['GE T', 'GET / HTTP/1.1\r\nX: y', ''])('cannot send the method %j', async (method) => {
    const act: Act = (user) => user.request(method, '/')
    const load = new VirtualScenario({ act }, { virtualUsers: 1, amount: 1 })
    const { errors } = await load.finish()
    expect(errors.byKind.scenario?.message).toMatch(/^act: A method is letters and -, and was "/)
    expect(load.wire.requests).toEqual([])
  })

  it('whose request gets no answer in time fails, unless it catches that', async () => {
    const act: Act = async (user) => {
      if (user.iteration === 0) await user.get('/hang', { timeout: 100 }).catch(() => {})
      else if (user.iteration === 1) await user.get('/hang', { timeout: 50 })
      else await user.get('/items')
    }
    const script: Script = {
      serve: ({ line, path }) => {
        if (path === '/items') line.answer(10)
      },
    }
    const load = new VirtualScenario({ act }, { virtualUsers: 1, amount: 3 }, script)
    const { errors, iterations } = await load.finish()
    expect(errors).toMatchObject({ total: 2, timeouts: 2 })
    expect(iterations).toMatchObject({ count: 3, failed: 1 })
    // Time-outs are looked for every 10 ms.
    expect(load.times).toEqual([1, 101, 151])
  })
})

describe("the load's `timeout`", () => {
  it('is that of requests which have none of their own', async () => {
    const act: Act = (user) => user.get('/hang', user.iteration === 0 ? {} : { timeout: 50 })
    const load = new VirtualScenario({ act }, { virtualUsers: 1, amount: 2, timeout: 200 }, {})
    await load.finish()
    // Time-outs are looked for every 10 ms.
    expect(load.times).toEqual([1, 201])
    expect(Math.round(load.endedAt)).toBe(250)
    expect(load.result.errors).toMatchObject({
      total: 2,
      byKind: { timeout: { count: 2, message: 'no answer within 200 ms' } },
    })
    expect(load.result.iterations).toMatchObject({ count: 2, failed: 2 })
  })
})

describe('the end of a load of users', () => {
  it('by an abort ends thinks and requests at once, and runs no `stop`', async () => {
    const act: Act = async (user) => {
      await user.get('/items')
      await (user.id % 2 === 0 ? user.think(60_000) : user.get('/hang'))
    }
    const script: Script = {
      serve: ({ line, path }) => {
        if (path === '/items') line.answer(10)
      },
    }
    const load = new VirtualScenario({ act, stop: (user) => user.get('/bye') }, { virtualUsers: 4 }, script)
    await load.clock.pass(300)
    load.run.abort()
    await load.clock.pass(1)
    expect(load.end).toEqual({ outcome: 'aborted' })
    expect([load.result.requests, load.result.unanswered, load.left]).toEqual([4, 2, false])
    await load.clock.pass(5_000)
    expect([load.count('/bye'), load.wire.openLines, load.clock.pending]).toEqual([0, 0, 0])
  })

  it('aborts `user.signal`, also where that is first asked for later', async () => {
    const users: VirtualUser<never>[] = []
    const reasons: unknown[] = []
    const act: Act = async (user) => {
      users[user.id] = user
      if (user.id === 0) user.signal.addEventListener('abort', () => reasons.push(user.signal.reason))
      await user.get('/items')
      await user.think(60_000)
    }
    const load = new VirtualScenario({ act }, { virtualUsers: 2 })
    await load.clock.pass(300)
    expect([users[0]?.signal.aborted, reasons]).toEqual([false, []])
    load.run.abort()
    expect(reasons).toEqual([expect.any(LoadEndedError)])
    await load.clock.pass(1)
    expect(users.map(({ signal }) => signal.aborted)).toEqual([true, true])
    expect(users[1]?.signal.reason).toBeInstanceOf(LoadEndedError)
  })

  it('by stop() runs `stop` of the users, which has 5 s or the time of a request', async () => {
    const act: Act = async (user) => {
      await user.get('/items')
      await user.think(60_000)
    }
    const quick = new VirtualScenario({ act, stop: (user) => user.get('/bye') }, { virtualUsers: 2 })
    await quick.clock.pass(300)
    quick.run.stop()
    await quick.finish()
    expect([quick.count('/bye'), quick.result.requests, quick.left]).toEqual([2, 2, false])

    const slow = new VirtualScenario({ act, stop: (user) => user.think(60_000) }, { virtualUsers: 2, timeout: 2_000 })
    await slow.clock.pass(300)
    slow.run.stop()
    await slow.clock.pass(1_999)
    expect(slow.end).toBe(undefined)
    await slow.clock.pass(2)
    expect([slow.end, slow.left]).toEqual([{ outcome: 'stopped' }, false])
    expect(slow.printed[0]).toBe('`stop` of virtual user 0 failed: it did not end within 2000 ms')
  })

  it('says after 80 ms that something of the scenario still runs', async () => {
    const act: Act = async (user) => {
      await user.get('/items')
      await new Promise(() => {})
    }
    const load = new VirtualScenario({ act, stop: (user) => user.get('/bye') }, { virtualUsers: 2, duration: 300 })
    await load.clock.pass(379)
    expect(load.end).toBe(undefined)
    await load.clock.pass(5)
    expect([load.end, load.left, load.count('/bye')]).toEqual([{ outcome: 'completed' }, true, 0])
  })

  it('says so too of a scenario that swallows its abort and loops on, which sends nothing more', async () => {
    const act: Act = async (user) => {
      for (;;) {
        try {
          await user.get('/items')
          await user.think(5)
        } catch {
          // As scenarios do that go on whatever happens.
        }
        await new Promise<void>((resolve) => void load.clock.after(1, resolve))
      }
    }
    const load: VirtualScenario = new VirtualScenario({ act, stop: (user) => user.get('/bye') }, { virtualUsers: 2 })
    await load.clock.pass(300)
    load.run.abort()
    const sent = load.wire.requests.length
    await load.clock.pass(100)
    expect([load.end, load.left]).toEqual([{ outcome: 'aborted' }, true])
    expect(load.endedAt).toBeLessThan(400)
    await load.clock.pass(1_000)
    expect([load.wire.requests.length, load.wire.openLines]).toEqual([sent, 0])
  })

  it('by `start` that throws names the user and the error', async () => {
    const start: Act = (user) => user.id === 1 && user.fail('no account')
    const load = new VirtualScenario({ start, act: getItems }, { virtualUsers: 2 })
    await load.finish()
    expect(load.end).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(/^virtual\.ts: `start` of virtual user 1 failed: no account/),
    })
    expect(load.count('/items')).toBe(0)
  })

  it('after 30 s where the module never loads', async () => {
    const load = new VirtualScenario({ act: getItems, loads: new Promise(() => {}) }, { duration: 60_000 })
    await load.finish()
    expect(load.endedAt).toBeCloseTo(30_000, 3)
    expect(load.end).toEqual({
      outcome: 'failed',
      message: 'virtual.ts was not loaded within 30 s. What it awaits at its top level has to end',
    })
    expect(load.clock.pending).toBe(0)
  })

  it('where a target refuses every connection comes within a second', async () => {
    const script: Script = { open: () => codedError('ECONNREFUSED') }
    const load = new VirtualScenario({ act: getItems }, { virtualUsers: 10, duration: 10_000 }, script)
    await load.finish()
    expect(load.end).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(/^No connection to .* ECONNREFUSED/),
    })
    expect(load.endedAt).toBeLessThan(1_000)
    expect(load.wire.lines.length).toBeLessThan(100)
  })
})

describe('names that a scenario makes', () => {
  it('are kept apart up to 1 000, of requests and of checks; all further ones are `other`, and remarks say so', async () => {
    const act: Act = async (user) => {
      await user.get('/items', { name: `item ${user.iteration}` })
      user.check(`price of ${user.iteration}`, user.iteration < 1_002)
    }
    const load = new VirtualScenario({ act }, { virtualUsers: 1, amount: 1_005 })
    const { byName, checks, remarks, requests, errors } = await load.finish()
    expect(requests).toBe(1_005)
    expect([Object.keys(byName).length, Object.keys(checks).length]).toEqual([1_001, 1_001])
    expect([byName['item 999']?.requests, byName['item 1000']]).toEqual([1, undefined])
    expect(byName['other']?.requests).toBe(5)
    expect(checks['price of 999']).toEqual({ passed: 1, failed: 0, rate: 1 })
    expect(checks['other']).toMatchObject({ passed: 2, failed: 3, rate: 0.4 })
    expect(errors.byKind.check?.count).toBe(3)
    expect(remarks).toEqual([
      expect.stringMatching(/^This load has more than 1000 names: .* counted as 'other'/),
      expect.stringMatching(/^This load has more than 1000 names of checks: .* counted as 'other'/),
    ])
  })
})

describe('a warm-up of users', () => {
  it('shows in the interval alone, and its iterations do not count', async () => {
    const load = new VirtualScenario(
      { act: getItems },
      { virtualUsers: 2, duration: 500, warmup: { duration: 300 }, progressInterval: 100 },
    )
    const { requests, iterations, duration } = await load.finish()
    expect(duration).toBe(500)
    expect(requests).toBe(98)
    expect(iterations?.count).toBe(98)
    // Of the 500 ms that are measured.
    expect(iterations?.perSecond).toBe(196)
    const warm = load.progresses.slice(0, 2)
    expect(warm.map((progress) => progress.requests)).toEqual([0, 0])
    expect(warm[1]?.interval.requestsPerSecond).toBe(200)
  })
})
