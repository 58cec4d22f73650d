import { describe, expect, it } from 'vitest'
import type { LoadOptions } from '../../../../src/load/plan/load-options.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import { parseAddress, type PlannedLocust } from '../../../../src/load/plan/locust-options.ts'
import { readClock } from '../../../../src/lifecycle/real-timers.ts'

const URL = 'http://127.0.0.1:4100/orders?page=2'

function planOf(options: Partial<LoadOptions>, env: Record<string, string> = {}) {
  return resolveLoadOptions({ url: URL, ...options }, { env })
}

function locust(engine: object): LoadOptions['engine'] & {} {
  return { use: 'locust', workers: 2, ...engine } as LoadOptions['engine'] & {}
}

describe('the engine locust', () => {
  it('has its defaults', () => {
    expect(planOf({ engine: locust({}) }).engine).toEqual({
      use: 'locust',
      workers: 2,
      host: '127.0.0.1',
      port: 5557,
      command: 'locust',
      waitForWorkers: 60_000,
      localUrl: URL,
    })
    const given = locust({ listen: '0.0.0.0:6000', command: 'python3 -m locust', waitForWorkers: '5s', web: true })
    expect(planOf({ engine: given }).engine).toMatchObject({
      host: '0.0.0.0',
      port: 6_000,
      command: 'python3 -m locust',
      waitForWorkers: 5_000,
      web: 8_089,
    })
  })

  it.for([
    [{ workers: 0 }, /`engine\.workers` to be an integer from 1 to 1000/],
    [{ workers: undefined }, /`engine\.workers` to be an integer from 1 to 1000, got `undefined`/],
    [{ listen: '5557' }, /`engine\.listen` to be an IPv4 address or a host name, and a port/],
    [{ listen: '127.0.0.1:99999' }, /`engine\.listen`/],
    [{ command: ' ' }, /`engine\.command` to be a command/],
    [{ waitForWorkers: 'soon' }, /`engine\.waitForWorkers`/],
    [{ target: '10.0.0.5:4100' }, /`engine\.target` to be where workers reach the server/],
    [{ target: 'http://10.0.0.5/path' }, /`engine\.target`/],
    [{ web: 'yes' }, /`engine\.web` to be true, false or a port/],
    [{ worker: 2 }, /Unknown option `engine\.worker`.*did you mean `workers`/],
    [{ use: 'k6' }, /`engine\.use` to be 'locust'/],
  ] as const)('refuses %o', ([engine, message]) => {
    expect(() => planOf({ engine: locust(engine) })).toThrow(message)
  })

  it('refuses what it cannot do', () => {
    const engine = locust({ workers: 3 })
    expect(() => planOf({ engine, processes: 2 })).toThrow(
      /`processes` to be left out with `engine: { use: 'locust' }`/,
    )
    expect(() => planOf({ engine, connections: 2 })).toThrow(
      /`connections` to be at least 3, one for each of the 3 `engine\.workers`/,
    )
    expect(() => planOf({ engine, scenario: './a.ts', virtualUsers: 2 })).toThrow(/`virtualUsers` to be at least 3/)
  })

  it.for([
    ['http://10.0.0.5:8080', 'http://10.0.0.5:8080/orders?page=2'],
    ['http://10.0.0.5:{port}', 'http://10.0.0.5:4100/orders?page=2'],
    ['https://shop.test', 'https://shop.test/orders?page=2'],
  ] as const)('loads the path on target %s', ([target, url]) => {
    const plan = planOf({ engine: locust({ target }) })
    expect(plan.url).toBe(url)
    expect(plan.requests[0]?.path).toBe('/orders?page=2')
    expect(Object.fromEntries(plan.requests[0]?.headers ?? [])['Host']).toBe(new globalThis.URL(url).host)
    expect(plan.engine).toMatchObject({ localUrl: URL })
  })

  it('waits for workers no longer than the test leaves', () => {
    const lifetime = { signal: new AbortController().signal, deadline: readClock() + 30_000, timeout: 30_000 }
    const options = { url: URL, duration: 10_000, engine: locust({}) }
    const { waitForWorkers } = resolveLoadOptions(options, { env: {}, lifetime }).engine as PlannedLocust
    expect(waitForWorkers).toBeGreaterThan(18_000)
    expect(waitForWorkers).toBeLessThan(20_000)
  })

  it('is chosen by VITEST_PERF_ENGINE as JSON, whose mistakes are told as those of the options', () => {
    const choose = (text: string) => planOf({}, { VITEST_PERF_ENGINE: text })
    expect(choose('{"use":"locust","workers":2}').engine).toMatchObject({ use: 'locust', workers: 2 })
    expect(() => choose('{"use":"locust"}')).toThrow(/engine\.workers/)
    expect(() => choose('{"use":')).toThrow(/`VITEST_PERF_ENGINE` to be 'built-in', 'autocannon' or JSON/)
  })
})

it.for([
  ['10.0.0.5:5557', { host: '10.0.0.5', port: 5_557 }],
  ['master.perf.svc:80', { host: 'master.perf.svc', port: 80 }],
  ['*:5557', { host: '*', port: 5_557 }],
  ['host', undefined],
  ['host:0', undefined],
  ['host:65536', undefined],
  ['[::1]:5557', undefined],
  ['http://host:5557', undefined],
] as const)('reads the address %s', ([text, address]) => {
  expect(parseAddress(text)).toEqual(address)
})
