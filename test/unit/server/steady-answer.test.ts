import { expect, test } from 'vitest'
import type { HealthLook } from '../../../src/server/health.ts'
import { SteadyAnswer } from '../../../src/server/steady-answer.ts'

const answer = (status: number) => ({ outcome: { kind: 'answer', status, latency: 1, body: '' } }) as HealthLook
const refused = { outcome: { kind: 'failure', code: 'ECONNREFUSED', message: '' } } as HealthLook
const failure = (code: string, message = '') => ({ outcome: { kind: 'failure', code, message } }) as HealthLook
const https = { ...answer(400), speaks: 'https' } as HealthLook

/** When the first of these looks, one each half second, is steady; -1 for never. */
function steadyAfter(looks: readonly HealthLook[]): number {
  const steady = new SteadyAnswer()
  return looks.findIndex((look, index) => steady.isSteady(look, index * 500)) * 500
}
const times = (look: HealthLook, count: number) => Array.from({ length: count }, () => look)

test.each<[string, HealthLook[], number]>([
  ['404', times(answer(404), 10), 3_000],
  ['401', times(answer(401), 10), 3_000],
  ['a redirect where none is healthy', times(answer(302), 10), 3_000],
  ['TLS', times(https, 10), 3_000],
  [
    'plain HTTP in place of TLS',
    times(failure('EPROTO', 'error:0A00010B:SSL routines:ssl3_get_record:wrong version number'), 10),
    3_000,
  ],
  ['a certificate that is not trusted', times(failure('DEPTH_ZERO_SELF_SIGNED_CERT'), 10), 3_000],
  [
    'a certificate of the client that is missing',
    times(failure('EPROTO', 'tlsv13 alert certificate required'), 10),
    3_000,
  ],
  ['no HTTP at all', times(failure('HPE_INVALID_CONSTANT'), 10), 3_000],
  ['a connection that is closed', times(failure('ECONNRESET'), 100), -500],
  ['a refusal before it', [...times(refused, 4), ...times(answer(404), 10)], 5_000],
  ['another answer between', [...times(answer(404), 4), answer(503), ...times(answer(404), 10)], 5_500],
  ['another status later', [...times(answer(404), 4), ...times(answer(403), 10)], 5_000],
])('%s', (_name, looks, after) => {
  expect(steadyAfter(looks)).toBe(after)
})

test.each([500, 502, 503, 408, 425, 429])('%i may pass', (status) => {
  expect(steadyAfter(times(answer(status), 100))).toBe(-500)
})

test('one look at long intervals is not enough, two are', () => {
  const steady = new SteadyAnswer()
  expect(steady.isSteady(answer(404), 60_000)).toBe(false)
  expect(steady.isSteady(answer(404), 70_000)).toBe(true)
})
