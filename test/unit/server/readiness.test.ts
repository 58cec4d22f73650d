import { expect, test } from 'vitest'
import { saysPortTaken } from '../../../src/server/readiness.ts'

test.each<[string, boolean, boolean]>([
  ['Error: listen EADDRINUSE: address already in use 127.0.0.1:3000', true, true],
  ['Error: listen EADDRINUSE: address already in use :::3000', true, true],
  ['listen tcp :3000: bind: address already in use', true, true],
  ['OSError: [Errno 98] Address already in use', true, false],
  ['Port 3000 is fine\nlisten EADDRINUSE: address already in use :::9229', false, false],
  ['listening on 3000', false, false],
])('%j', (output, taken, named) => {
  expect(saysPortTaken(output, 3_000)).toBe(taken)
  expect(saysPortTaken(output, 3_000, { named: true })).toBe(named)
})
