import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  findMasterProblem,
  findProofProblem,
  findTokenAdvice,
  PLAN_WINDOW,
  PlanGate,
  proveToken,
  signPlan,
  type OpenedPlan,
  type SignedPlan,
} from '../../../../src/load/worker/signed-plan.ts'

const TOKEN = 'correct horse battery staple'
const NOW = 1_800_000_000_000
const recipient = 'worker-1'
const contents = { plan: Buffer.from('{"rate":10}'), bundle: Buffer.from('export default () => {}') }
const sign = (over: Partial<Parameters<typeof signPlan>[1]> = {}) =>
  signPlan(contents, { recipient, now: NOW, token: TOKEN, ...over })
const gate = (over: Partial<ConstructorParameters<typeof PlanGate>[0]> = {}) =>
  new PlanGate({ recipient, token: TOKEN, ...over })

function reasonOf(opened: OpenedPlan): string {
  return 'refusal' in opened ? opened.refusal.reason : 'taken'
}

test('a signed plan reaches its worker whole, as JSON', () => {
  fc.assert(
    fc.property(
      fc.uint8Array(),
      fc.uint8Array(),
      fc.string(),
      fc.string({ minLength: 1 }),
      (plan, bundle, to, token) => {
        const sent = JSON.parse(JSON.stringify(signPlan({ plan, bundle }, { recipient: to, now: NOW, token })))
        const opened = new PlanGate({ recipient: to, token }).open(sent, NOW)
        expect(opened).toEqual({ contents: { plan: Buffer.from(plan), bundle: Buffer.from(bundle) } })
      },
    ),
  )
})

test('the signature is HMAC-SHA256 over the parts, each with its length of 8 bytes in front', () => {
  const plan = sign()
  const bytes = [recipient, String(NOW), plan.nonce, contents.plan.toString(), contents.bundle.toString()]
    .map((part) => `${'\0'.repeat(7)}${String.fromCharCode(part.length)}${part}`)
    .join('')
  const expected = createHmac('sha256', TOKEN).update(`vitest-plugin-perf plan 1\n${bytes}`, 'latin1').digest('hex')
  expect(plan.signature).toBe(expected)
})

test('each plan has a nonce of its own', () => {
  expect(new Set(Array.from({ length: 100 }, () => sign().nonce)).size).toBe(100)
})

describe('an altered plan is refused', () => {
  const flip = (base64: string, at: number) => {
    const bytes = Buffer.from(base64, 'base64')
    bytes[at % bytes.length]! ^= 1 << (at % 8)
    return bytes.toString('base64')
  }

  test('in any bit of plan and bundle', () => {
    fc.assert(
      fc.property(fc.constantFrom('plan' as const, 'bundle' as const), fc.nat(10_000), (part, at) => {
        const plan = sign()
        expect(reasonOf(gate().open({ ...plan, [part]: flip(plan[part], at) }, NOW))).toBe('altered')
      }),
    )
  })

  test.each<[string, (plan: SignedPlan) => Partial<SignedPlan>]>([
    ['recipient', () => ({ recipient: 'worker-2' })],
    ['time', () => ({ time: NOW + 1 })],
    ['nonce', () => ({ nonce: '0'.repeat(32) })],
    [
      'signature',
      ({ signature = '' }) => ({ signature: `${signature.startsWith('0') ? '1' : '0'}${signature.slice(1)}` }),
    ],
    [
      'plan, which gives a byte to the bundle',
      () => ({
        plan: contents.plan.subarray(0, -1).toString('base64'),
        bundle: Buffer.concat([contents.plan.subarray(-1), contents.bundle]).toString('base64'),
      }),
    ],
    ['plan and bundle, exchanged', ({ plan, bundle }) => ({ plan: bundle, bundle: plan })],
    ['bundle, left out', () => ({ bundle: '' })],
  ])('in its %s', (_, alter) => {
    const plan = sign()
    expect(reasonOf(gate().open({ ...plan, ...alter(plan) }, NOW))).toBe('altered')
  })

  test('and with another token', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (token) => {
        fc.pre(token !== TOKEN)
        expect(reasonOf(gate().open(sign({ token }), NOW))).toBe('altered')
      }),
    )
  })
})

test('a refused plan does not use up its nonce: the true one is taken after it', () => {
  const plan = sign()
  const worker = gate()
  expect(reasonOf(worker.open({ ...plan, bundle: '' }, NOW))).toBe('altered')
  expect(reasonOf(worker.open(plan, NOW - PLAN_WINDOW - 1))).toBe('early')
  expect(reasonOf(worker.open(plan, NOW))).toBe('taken')
})

test.each([
  ['no signature', { signature: undefined }, 'unsigned'],
  ['a signature that is no hexadecimal', { signature: 'x'.repeat(64) }, 'malformed'],
  ['a short signature', { signature: 'ab' }, 'malformed'],
  ['an empty signature', { signature: '' }, 'malformed'],
  ['a nonce of another length', { nonce: 'ab' }, 'malformed'],
  ['a nonce that is an object', { nonce: {} }, 'malformed'],
  ['a time that is text', { time: String(NOW) }, 'malformed'],
  ['a time that is no number', { time: Number.NaN }, 'malformed'],
  ['a time with a fraction', { time: NOW + 0.5 }, 'malformed'],
  ['an infinite time', { time: Infinity }, 'malformed'],
  ['no plan', { plan: undefined }, 'malformed'],
  ['a plan that is an array', { plan: [1, 2] }, 'malformed'],
  ['another format', { format: 2 }, 'other-format'],
  ['no format', { format: undefined }, 'malformed'],
])('a plan with %s is refused', (_, over, reason) => {
  expect(reasonOf(gate().open({ ...sign(), ...over }, NOW))).toBe(reason)
})

test('nothing that a stranger sends is taken, or throws', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withTypedArray: true, withDate: true }), (message) => {
      expect(reasonOf(gate().open(message, NOW))).not.toBe('taken')
    }),
  )
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...Object.keys(sign())), fc.anything()), (fields) => {
      fc.pre(Object.keys(fields).length > 0)
      expect(reasonOf(gate().open({ ...sign({ token: undefined }), ...fields }, NOW))).not.toBe('taken')
    }),
  )
})

test.each([
  [-PLAN_WINDOW - 1, 'early'],
  [-PLAN_WINDOW, 'taken'],
  [-1_000, 'taken'],
  [0, 'taken'],
  [PLAN_WINDOW, 'taken'],
  [PLAN_WINDOW + 1, 'late'],
  [86_400_000, 'late'],
])('a plan that reaches a worker whose clock shows %i ms after its signing is %s', (age, expected) => {
  expect(reasonOf(gate().open(sign(), NOW + age))).toBe(expected)
})

test('a plan is for one worker, and for one start of it', () => {
  expect(reasonOf(gate({ recipient: 'worker-2' }).open(sign(), NOW))).toBe('other-recipient')
})

test('a replay is refused, also where its time, its encoding or the clock differ', () => {
  const plan = sign()
  const worker = gate()
  expect(reasonOf(worker.open(plan, NOW))).toBe('taken')
  expect(reasonOf(worker.open(plan, NOW))).toBe('replayed')
  expect(reasonOf(worker.open({ ...plan, plan: `${plan.plan}\n` }, NOW + 1))).toBe('replayed')
  expect(reasonOf(worker.open(plan, NOW - 10 * PLAN_WINDOW))).toBe('replayed')
})

test('no plan is taken twice, whatever the clocks do and however few nonces are remembered', () => {
  const steps = fc.array(
    fc.record({ plan: fc.nat(9), clock: fc.integer({ min: -2 * PLAN_WINDOW, max: 2 * PLAN_WINDOW }) }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(
      fc.array(fc.nat(3), { minLength: 10, maxLength: 10 }),
      fc.integer({ min: 1, max: 4 }),
      steps,
      (times, remembered, opened) => {
        const plans = times.map((time) => sign({ now: NOW + time * 1_000 }))
        const worker = gate({ remembered })
        const taken = opened.filter(({ plan, clock }) => 'contents' in worker.open(plans[plan], NOW + clock))
        expect(new Set(taken.map(({ plan }) => plan)).size).toBe(taken.length)
      },
    ),
  )
})

test('a worker takes more plans than it remembers, as long as they come in their order', () => {
  const worker = gate({ remembered: 3 })
  const plans = Array.from({ length: 20 }, (_, index) => sign({ now: NOW + index }))
  expect(plans.map((plan) => reasonOf(worker.open(plan, NOW + 20)))).toEqual(plans.map(() => 'taken'))
  expect(plans.map((plan) => reasonOf(worker.open(plan, NOW + 20)))).toEqual(
    plans.map((_, index) => (index < 17 ? 'late' : 'replayed')),
  )
})

describe('without a token', () => {
  test('an unsigned plan is taken, once and in time', () => {
    const worker = gate({ token: undefined })
    const plan = sign({ token: undefined })
    expect(plan).not.toHaveProperty('signature')
    expect(reasonOf(worker.open(plan, NOW + PLAN_WINDOW + 1))).toBe('late')
    expect(worker.open(plan, NOW)).toEqual({ contents })
    expect(reasonOf(worker.open(plan, NOW))).toBe('replayed')
  })

  test('a signed plan is not', () => {
    expect(reasonOf(gate({ token: undefined }).open(sign(), NOW))).toBe('not-verifiable')
  })

  test.each(['127.0.0.1', '127.8.9.1', 'localhost', 'LOCALHOST', '::1', '[::1]'])('the master %s is taken', (host) => {
    expect(findMasterProblem(host, undefined)).toBeUndefined()
  })

  test.each(['10.0.0.1', '0.0.0.0', 'localhost.example.com', '127.0.0.1.example.com', 'master', '::', '[fd00::1]', ''])(
    'the master %s is not',
    (host) => {
      expect(findMasterProblem(host, undefined)).toMatch(/VITEST_PERF_TOKEN is not set.*openssl rand/)
      expect(findMasterProblem(host, TOKEN)).toBeUndefined()
    },
  )
})

test('each refusal says what to do, and neither token nor plan', () => {
  const worker = gate()
  worker.open(sign(), NOW)
  const plan = sign()
  worker.open(plan, NOW)
  const refusals = [
    worker.open(plan, NOW),
    worker.open(sign({ token: undefined }), NOW),
    worker.open(sign({ token: 'other' }), NOW),
    worker.open(sign({ recipient: 'worker-2' }), NOW),
    worker.open(sign(), NOW + 93_000),
    worker.open(sign(), NOW - 93_000),
    worker.open({ format: 7 }, NOW),
    worker.open('plan', NOW),
    gate({ token: undefined }).open(sign(), NOW),
  ].map((opened) => ('refusal' in opened ? opened.refusal.message : ''))
  for (const message of refusals) {
    expect(message).toMatch(/Set VITEST_PERF_TOKEN|start the load again|close it|Install the same version|NTP/)
    expect(message).not.toContain(TOKEN)
    expect(message).not.toContain('rate')
  }
  expect(refusals[4]).toMatch(/signed 1m 33s ago.*limit is 1m 00s/)
  expect(refusals[5]).toMatch(/1m 33s ahead of this machine's clock/)
})

test('a worker proves that it has the token, and nobody else does', () => {
  const proof = proveToken('worker-1', TOKEN)
  expect(findProofProblem('worker-1', proof, TOKEN)).toBeUndefined()
  expect(findProofProblem('worker-2', proof, TOKEN)).toMatch(/^has another VITEST_PERF_TOKEN/)
  expect(findProofProblem('worker-1', proveToken('worker-1', 'other'), TOKEN)).toMatch(/^has another VITEST_PERF_TOKEN/)
  for (const none of [undefined, null, '', 'ab', 7, {}, 'x'.repeat(64)])
    expect(findProofProblem('worker-1', none, TOKEN)).toMatch(/^has no VITEST_PERF_TOKEN/)
  // A signature of a plan is no proof.
  expect(findProofProblem('worker-1', sign().signature, TOKEN)).toMatch(/^has another/)
})

test('without a token nobody proves anything', () => {
  expect(proveToken('worker-1', undefined)).toBeUndefined()
  expect(findProofProblem('worker-1', undefined, undefined)).toBeUndefined()
})

test('a token that can be guessed is told', () => {
  expect(findTokenAdvice(undefined)).toBeUndefined()
  expect(findTokenAdvice('0123456789abcdef')).toBeUndefined()
  expect(findTokenAdvice('secret')).toMatch(/has only 6 characters.*openssl rand -hex 32/)
})
