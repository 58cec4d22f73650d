import { expect, test } from 'vitest'
import { adviseOnExit } from '../../../src/results/exit-advice.ts'
import { describeExit, formatFailure } from '../../../src/server/failure-report.ts'

test('the message tells the whole story', () => {
  const output = Array.from({ length: 40 }, (_, index) => `line ${index}`).join('\n')
  const lastAttempt = { asked: 'GET /', answered: 'answered 503', status: 503, body: 'no "db"' }
  const fault = 'Error: no db'
  const server = { command: 'node server.js', cwd: '/app', url: 'http://127.0.0.1:1', output, lastAttempt, fault }
  const message = formatFailure({ what: 'It exited.', advice: 'Do this.', server })
  const lines = message.split('\n')
  expect(lines.slice(0, 7)).toEqual([
    'It exited. It said: Error: no db Do this.',
    '  command: node server.js',
    '  folder: /app',
    '  url: http://127.0.0.1:1',
    '  last health check: GET / answered 503',
    '  its body: "no \\"db\\""',
    '  last output:',
  ])
  expect(lines.slice(7)).toHaveLength(20)
  expect(lines.at(-1)).toBe('  | line 39')
})

test('no output is said so', () => {
  expect(formatFailure({ what: 'It exited.', server: { output: '' } })).toBe('It exited.\n  output: none')
})

test('exits and what lies behind them', () => {
  expect(describeExit(3, null)).toBe('exited with code 3')
  expect(describeExit(139, null)).toBe('exited with code 139 (as after SIGSEGV)')
  expect(describeExit(255, null)).toBe('exited with code 255')
  expect(describeExit(null, 'SIGSEGV')).toBe('was ended by SIGSEGV')
  const advise = (code: number | null, signal: string | null, more = {}) =>
    adviseOnExit({ code, signal, output: '', ...more })
  expect(advise(127, null)).toMatch(/did not find the command/)
  expect(advise(null, 'SIGKILL')).toMatch(/memory/)
  expect(advise(137, null)).toMatch(/memory/)
  expect(advise(0, null, { isInBackground: true, hadNoInput: true })).toMatch(/foreground/)
  expect(advise(0, null, { hadNoInput: true })).toMatch(/`stdin: 'open'`|stdin: 'open'/)
  expect(advise(0, null)).toBeUndefined()
  expect(advise(1, null, { output: 'listen EADDRINUSE :::1' })).toMatch(/PORT/)
  expect(advise(1, null)).toBeUndefined()
  expect(advise(1, null, { hadNoInput: true })).toMatch(/printed nothing.*`stdin: 'open'`/)
  expect(advise(1, null, { hadNoInput: true, output: 'Error: no config' })).toBeUndefined()
})
