import { expect, test } from 'vitest'
import type { HealthLook } from '../../../src/server/health.ts'
import { OtherPort, type OtherPortLook } from '../../../src/server/other-port.ts'

const answer = (status: number, healthy = false) =>
  ({ outcome: { kind: 'answer', status, latency: 1, body: '' }, result: { healthy } }) as HealthLook
const healthy = answer(200, true)
const open = { outcome: { kind: 'open', latency: 1 }, result: { healthy: true } } as HealthLook
const silent = { outcome: { kind: 'timeout' }, result: { healthy: false } } as HealthLook

function look(health: HealthLook, printed = 0, port = 3_000): OtherPortLook {
  return { listeners: [{ address: '127.0.0.1', port, inode: '1' }], looks: [health], printed }
}

/** What is found, and after how many milliseconds, with a look each second; `undefined` for never. */
function found(looks: readonly OtherPortLook[], isPatient = false) {
  const other = new OtherPort(0, isPatient)
  for (const [index, one] of looks.entries()) {
    const finding = other.settle(one, index * 1_000)
    if (finding) return [finding, index * 1_000]
  }
  return undefined
}
const times = (one: OtherPortLook, count = 60) => Array.from({ length: count }, () => one)

test.each<[string, OtherPortLook[], unknown]>([
  ['healthy on another port', times(look(healthy)), ['healthy', 3_000]],
  ['healthy, and prints all the time', times(look(healthy)).map((_, n) => look(healthy, n)), ['healthy', 3_000]],
  ['404 on another port', times(look(answer(404))), ['answers', 10_000]],
  [
    '404, and a last line after 5 s',
    [...times(look(answer(404)), 5), ...times(look(answer(404), 80))],
    ['answers', 15_000],
  ],
  ['404, and prints all the time', times(look(answer(404))).map((_, n) => look(answer(404), n)), undefined],
  ['healthy after 4 s of 404', [...times(look(answer(404)), 4), ...times(look(healthy))], ['healthy', 7_000]],
  ['on another port each time', times(look(healthy)).map((_, n) => look(healthy, 0, n + 1)), undefined],
  ['accepts connections', times(look(open)), ['answers', 10_000]],
  ['says nothing', times(look(silent)), undefined],
  ['503', times(look(answer(503))), undefined],
  ["400, as Node's inspector", times(look(answer(400))), undefined],
  ['no listener', times({ listeners: [], looks: [], printed: 0 }), undefined],
])('%s', (_name, looks, expected) => {
  expect(found(looks)).toEqual(expected)
})

test('with a timeout of the user only a healthy answer counts', () => {
  expect(found(times(look(answer(404))), true)).toBeUndefined()
  expect(found(times(look(healthy)), true)).toEqual(['healthy', 3_000])
})

test('a look is due each second', () => {
  const other = new OtherPort(500, false)
  expect([1_499, 1_500, 1_600, 2_499, 2_500].map((now) => other.isDue(now))).toEqual([false, true, false, false, true])
})
