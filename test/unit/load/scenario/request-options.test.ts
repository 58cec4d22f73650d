import { describe, expect, it } from 'vitest'
import {
  checkRequestOptions,
  checkStreamOptions,
  methodOf,
  checkedStatusRange,
  thinkRange,
  timeoutOf,
  withQuery,
} from '../../../../src/load/scenario/request-options.ts'

describe('a query', () => {
  it.each([
    ['/items', { page: 2 }, '/items?page=2'],
    ['/items?sort=name', { page: 2 }, '/items?sort=name&page=2'],
    ['/items#top', { page: 2 }, '/items?page=2'],
    ['/items?sort=name#top', { page: 2 }, '/items?sort=name&page=2'],
    ['/items#top', {}, '/items#top'],
    ['/items#top', undefined, '/items#top'],
    ['/items', new URLSearchParams('a=1&a=2'), '/items?a=1&a=2'],
  ])('of %s with %j is %s', (path, query, expected) => {
    expect(withQuery(path, query)).toBe(expected)
  })
})

describe('statuses', () => {
  it.each([
    [204, [204, 204]],
    [
      [200, 299],
      [200, 299],
    ],
  ] as const)('%j is %j', (expected, range) => expect(checkedStatusRange(expected)).toEqual(range))

  it.each(['200', [299, 200], [200], [200, 299, 300], 99, 600, 200.5, Number.NaN, null, {}])(
    '%j is refused',
    (given) => {
      expect(() => checkedStatusRange(given as never)).toThrow(
        /^Invalid options of a request: Expected `expectStatus` to be a status/,
      )
    },
  )
})

describe('names of options', () => {
  it('that are known pass', () => {
    const all = {
      name: 'a',
      headers: {},
      query: {},
      json: 1,
      form: {},
      body: '',
      expectStatus: 200,
      check: {},
      timeout: 1,
    }
    expect(() => checkRequestOptions({ ...all, redirect: 'manual' })).not.toThrow()
    expect(() => checkStreamOptions({ name: 'a', headers: {}, query: {}, timeout: 1, protocols: [] })).not.toThrow()
  })

  it.each([
    [{ jsn: { a: 1 } }, /Unknown option `jsn` .*did you mean `json`\?/],
    [{ constructor: 1 }, /Unknown option `constructor`/],
    [{ redirect: 'error' }, /Expected `redirect` to be 'follow' or 'manual', got `"error"`/],
  ])('%j is refused', (given, message) => expect(() => checkRequestOptions(given as never)).toThrow(message))

  it('of a stream are fewer', () => {
    expect(() => checkStreamOptions({ json: 1 } as never)).toThrow(/Unknown option `json`/)
  })
})

it('a method is in capitals', () => {
  expect(methodOf('propFind')).toBe('PROPFIND')
  expect(() => methodOf('GET /')).toThrow('A method is letters and -, and was "GET /"')
})

it('a time-out is positive', () => {
  expect(timeoutOf('2s')).toBe(2_000)
  for (const given of [0, -1, 'soon', Number.NaN])
    expect(() => timeoutOf(given as never)).toThrow(/`timeout` of a request takes/)
})

it('thinking goes from the shorter to the longer time', () => {
  expect(thinkRange(0, '1s')).toEqual([0, 1_000])
  for (const [min, max] of [
    [2, 1],
    [-1, 1],
    [0, Number.NaN],
  ]) {
    expect(() => thinkRange(min as number, max as number)).toThrow(/user\.think\(min, max\) takes milliseconds/)
  }
})
