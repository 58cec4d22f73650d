import { expect, test } from 'vitest'
import { adviseOnExit, describeExit, formatFailure } from '../../../src/server/failure-report.ts'

test('the message tells the whole story', () => {
  const output = Array.from({ length: 40 }, (_, index) => `line ${index}`).join('\n')
  const server = { command: 'node server.js', cwd: '/app', url: 'http://127.0.0.1:1', output }
  const message = formatFailure({ what: 'It exited.', advice: 'Do this.', server, lastProbe: 'GET / refused' })
  const lines = message.split('\n')
  expect(lines.slice(0, 6)).toEqual([
    'It exited. Do this.',
    '  command: node server.js',
    '  folder: /app',
    '  url: http://127.0.0.1:1',
    '  last probe: GET / refused',
    '  last output:',
  ])
  expect(lines.slice(6)).toHaveLength(20)
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
  expect(adviseOnExit(127, null, '')).toMatch(/did not find the command/)
  expect(adviseOnExit(null, 'SIGKILL', '')).toMatch(/memory/)
  expect(adviseOnExit(137, null, '')).toMatch(/memory/)
  expect(adviseOnExit(0, null, '')).toMatch(/foreground/)
  expect(adviseOnExit(1, null, 'listen EADDRINUSE :::1')).toMatch(/PORT/)
  expect(adviseOnExit(1, null, '')).toBeUndefined()
})
