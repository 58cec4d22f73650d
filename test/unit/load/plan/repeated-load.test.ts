import { expect, it } from 'vitest'
import type { LoadOptions } from '../../../../src/load/plan/load-options.ts'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import { repeatedLoad } from '../../../../src/load/plan/repeated-load.ts'

it.for([
  [60_000, 5_000],
  [3_200.4, 3_201],
  [200, 1_000],
] as const)('a load of %d ms is run again for %d ms', ([duration, again]) => {
  expect(repeatedLoad({ url: '/' }, { duration })).toEqual({ url: '/', duration: again, profile: false })
})

it('sends the same, and is not judged again', () => {
  const options: LoadOptions = {
    url: 'http://127.0.0.1:3000/',
    title: 'orders',
    rate: 50,
    connections: 20,
    method: 'POST',
    body: { id: 7 },
    amount: 200,
    warmup: { duration: 500 },
    thresholds: { errorRate: '<0.1' },
    abortOnFail: true,
    signal: new AbortController().signal,
    profile: 'on-failure',
  }
  expect(repeatedLoad(options, { duration: 4_000 })).toEqual({
    url: 'http://127.0.0.1:3000/',
    rate: 50,
    connections: 20,
    method: 'POST',
    body: { id: 7 },
    amount: 200,
    duration: 4_000,
    profile: false,
  })
})

it.for([
  [
    {
      stages: [
        { duration: 500, connections: 40 },
        { duration: 500, connections: 5 },
      ],
    },
    { connections: 40 },
  ],
  [{ connections: 50, stages: [{ duration: 500, connections: 10 }] }, { connections: 50 }],
  [
    {
      connections: 30,
      stages: [
        { duration: 500, rate: 200 },
        { duration: 500, rate: 0 },
      ],
    },
    { connections: 30, rate: 200 },
  ],
  [
    { scenario: './shop.ts', stages: [{ duration: 500, virtualUsers: 80 }] },
    { scenario: './shop.ts', virtualUsers: 80 },
  ],
] as const)('of stages it is the hardest moment: %o', ([options, expected]) => {
  const again = repeatedLoad({ url: 'http://127.0.0.1:3000/', ...options } as LoadOptions, { duration: 1_000 })
  expect(again).toEqual({ url: 'http://127.0.0.1:3000/', ...expected, duration: 1_000, profile: false })
})

it('is a load that can be run', () => {
  const stages = [{ duration: 500, rate: 200 }]
  const again = repeatedLoad(
    { url: 'http://127.0.0.1:3000/', stages, thresholds: { errorRate: '<1' } },
    { duration: 500 },
  )
  expect(resolveLoadOptions(again, { env: {} })).toMatchObject({ duration: 1_000 })
})
