import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAnswer, Lines, parseAnswer, parseGreeting } from '../../../src/probe/incoming.ts'

const GREETING = { pid: 7, threadId: 0, wrapper: false, script: 'server.js' }

/** Texts cut at every place that `cuts` names. */
function cutUp(text: string, cuts: readonly number[]): string[] {
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b), text.length]
  return places.slice(1).map((end, index) => text.slice(places[index], end))
}

describe('Lines', () => {
  it('gives the same lines for every chunking', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string().map((text) => text.replaceAll('\n', ' '))),
        fc.string().map((text) => text.replaceAll('\n', ' ')),
        fc.array(fc.nat()),
        (wanted, rest, cuts) => {
          const lines = new Lines()
          const text = wanted.map((line) => `${line}\n`).join('') + rest
          expect(cutUp(text, cuts).flatMap((chunk) => [...lines.take(chunk)])).toEqual(wanted)
        },
      ),
    )
  })

  it.each([
    ['in one chunk', (long: string) => [long]],
    ['in many', (long: string) => long.match(/.{1,1000}/gs) ?? []],
    ['with an end', (long: string) => [`${long}\n`]],
  ])('refuses a greeting that is too long, %s', (_, chunks) => {
    const lines = new Lines()
    const take = () => chunks('x'.repeat(64 * 1024 + 1)).flatMap((chunk) => [...lines.take(chunk)])
    expect(take).toThrow(/longer than 65536 characters/)
  })

  it('takes longer lines after the greeting', () => {
    const lines = new Lines()
    lines.greeted()
    expect([...lines.take(`${'x'.repeat(1024 * 1024)}\n`)]).toHaveLength(1)
  })
})

describe('parseGreeting', () => {
  it('copies the fields of a greeting and nothing else', () => {
    const line = JSON.stringify({ ...GREETING, ask: 'mine', connected: true, id: 'x', __proto__: null, more: 1 })
    expect(parseGreeting(line)).toEqual(GREETING)
    expect(parseGreeting(`{"__proto__":{"polluted":1},${JSON.stringify(GREETING).slice(1)}`)).toEqual(GREETING)
    expect({}).not.toHaveProperty('polluted')
  })

  it.each(Object.keys(GREETING).flatMap((field) => [null, -1, [], {}, undefined].map((value) => [field, value])))(
    'refuses %s: %j',
    (field, value) => {
      expect(parseGreeting(JSON.stringify({ ...GREETING, [field as string]: value }))).toBeUndefined()
    },
  )
})

describe('answers', () => {
  it('never throw, whatever comes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        const greeting = parseGreeting(line)
        if (greeting) expect(Object.keys(greeting).toSorted()).toEqual(['pid', 'script', 'threadId', 'wrapper'])
        const answer = parseAnswer(line)
        if (!answer) return
        expect(typeof answer.id).toBe('number')
        for (const ask of ['read', 'collect', 'endAllocations', 'snapshot', 'forget'] as const)
          expect(typeof isAnswer(ask, answer.value)).toBe('boolean')
      }),
    )
  })

  const memory = { heapUsed: 1, heapTotal: 2, external: 3, arrayBuffers: 4, rss: 5 }
  const heap = { heapData: 1, machineCode: 2, external: 3, arrayBuffers: 4, time: 5, cost: 5 }
  it.each([
    ['read', { memory }, true],
    ['read', { memory, requests: 3, loop: { p50: 0, p99: 0, max: 0, latest: 0 }, gc: { count: 0, time: 0 } }, true],
    ['read', { memory: { ...memory, rss: '5' } }, false],
    ['read', { memory, requests: -1 }, false],
    ['read', {}, false],
    ['read', null, false],
    ['collect', heap, true],
    ['collect', { ...heap, requests: 9 }, true],
    ['collect', { ...heap, heapData: null }, false],
    ['collect', [heap], false],
    ['forget', null, true],
    ['forget', 1, false],
    ['endAllocations', { total: 0, sites: [] }, true],
    ['endAllocations', { total: 5, sites: [{ function: 'f', location: 'a.js:1', bytes: 5 }] }, true],
    ['endAllocations', { total: 5, sites: [{ function: 'f', bytes: 5 }] }, false],
    ['endAllocations', { total: 5, sites: 'none' }, false],
    ['snapshot', 12, true],
    ['snapshot', null, true],
    ['snapshot', '12', false],
  ] as const)('to %s: %j', (ask, value, accepted) => {
    expect(isAnswer(ask, value)).toBe(accepted)
  })
})
