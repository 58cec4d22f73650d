import { describe, expect, test } from 'vitest'
import { HeaderList, UserHeaders } from '../../../../src/load/scenario/header-list.ts'

describe('HeaderList', () => {
  test('a later source wins, in any case, and `undefined` takes a header away', () => {
    const list = HeaderList.merge({ 'X-A': '1', 'X-B': '2', 'X-C': '3' }, { 'x-a': 'over', 'x-b': undefined })
    expect(list.text).toBe('x-a: over\r\nX-C: 3\r\n')
    expect([list.has('x-a'), list.has('x-b'), list.has('x-c')]).toEqual([true, false, true])
  })

  test('a list of values is several lines, and goes as one', () => {
    const list = HeaderList.merge({ 'X-A': ['1', '2'], Accept: '*' })
    expect(list.raw).toEqual(['X-A', '1', 'X-A', '2', 'Accept', '*'])
    expect(list.without('x-a').text).toBe('Accept: *\r\n')
    expect(list.without('x-none')).toBe(list)
  })

  test.for([
    [{ 'bad name': '1' }, /header's name takes letters/],
    [{ 'Content-Length': '1' }, /is computed: leave it out/],
    [{ 'X-A': 'a\r\nX-B: b' }, /without line breaks/],
    [{ 'X-A': '€' }, /Latin-1/],
  ] as const)('refuses %o', ([headers, message]) => {
    expect(() => HeaderList.merge(headers as never)).toThrow(message)
  })
})

describe('UserHeaders', () => {
  test('the same list as long as the user changes nothing, in place or by name', () => {
    const headers = new UserHeaders({ 'X-Load': 'l' })
    const user: Record<string, string | readonly string[] | undefined> = {}
    const text = () => headers.listFor(user, undefined).text
    expect(headers.listFor(user, undefined)).toBe(headers.listFor(user, {}))
    user['X-A'] = '1'
    expect(text()).toBe('X-Load: l\r\nX-A: 1\r\n')
    expect(headers.listFor(user, undefined)).toBe(headers.listFor(user, undefined))
    user['X-A'] = '2'
    expect(text()).toBe('X-Load: l\r\nX-A: 2\r\n')
    user['X-B'] = undefined
    expect(text()).toBe('X-Load: l\r\nX-A: 2\r\n')
    user['x-load'] = undefined
    expect(text()).toBe('X-A: 2\r\n')
    delete user['x-load']
    delete user['X-A']
    expect(text()).toBe('X-Load: l\r\n')
    const list = ['1']
    user['X-A'] = list
    expect(text()).toBe('X-Load: l\r\nX-A: 1\r\n')
    list[0] = '2'
    expect(text()).toBe('X-Load: l\r\nX-A: 2\r\n')
  })

  test('headers of one request are of no other', () => {
    const headers = new UserHeaders({})
    expect(headers.listFor({ a: '1' }, { a: '2', b: '3' }).text).toBe('a: 2\r\nb: 3\r\n')
    expect(headers.listFor({ a: '1' }, undefined).text).toBe('a: 1\r\n')
  })
})
