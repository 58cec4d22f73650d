import { readdirSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { lastLines, ServerOutput } from '../../../src/server/output.ts'

test('the tail is the end of what was written, and stays readable after the close', () => {
  const output = new ServerOutput()
  writeSync(output.descriptor, 'a'.repeat(100_000))
  writeSync(output.descriptor, 'the end')
  expect(output.tail).toHaveLength(64 * 1_024)
  expect(output.tail).toMatch(/a{100}the end$/)
  output.close()
  output.close()
  expect(output.tail).toMatch(/the end$/)
})

test('the file has no name while it is used', () => {
  const output = new ServerOutput()
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`vitest-perf-${process.pid}-`))).toEqual([])
  output.close()
})

test('a file that grew over its limit is emptied, and its tail is kept', () => {
  const output = new ServerOutput()
  for (let count = 0; count < 9; count += 1) writeSync(output.descriptor, `${'b'.repeat(1024 * 1024 - 1)}\n`)
  writeSync(output.descriptor, 'before\n')
  output.bound()
  expect(output.size).toBe(0)
  writeSync(output.descriptor, 'after\n')
  expect(output.tail).toMatch(/b\nbefore\nafter\n$/)
  expect(output.size).toBe(6)
  output.close()
})

test('lastLines cuts by lines and by characters', () => {
  expect(lastLines('1\n2\n3\n', 2)).toBe('2\n3')
  expect(lastLines('x'.repeat(10), 5, 4)).toBe('xxxx')
  expect(lastLines('', 5)).toBe('')
})

test('lines are handed out once, without escape codes, the unfinished one until it ends', () => {
  const output = new ServerOutput()
  const lines = output.readLines()
  expect(lines.next()).toEqual([])
  writeSync(output.descriptor, 'one\r\n\u001B[32mtwo\u001B[39m\nthr')
  expect(lines.next()).toEqual(['one', 'two', 'thr'])
  expect(lines.next()).toEqual(['thr'])
  writeSync(output.descriptor, '\u001B[1mee\u001B[')
  expect(lines.next()).toHaveLength(1)
  writeSync(output.descriptor, '22m\n10 %\r100 %\n')
  expect(lines.next()).toEqual(['three', '10 %', '100 %'])
  output.close()
  expect(lines.next()).toEqual([])
})

test('a character that is written in two pieces is one', () => {
  const output = new ServerOutput()
  const lines = output.readLines()
  const bytes = Buffer.from('➜ ready\n')
  writeSync(output.descriptor, bytes.subarray(0, 2))
  lines.next()
  writeSync(output.descriptor, bytes.subarray(2))
  expect(lines.next()).toEqual(['➜ ready'])
  output.close()
})

test('what was printed before the file was emptied is not lost to a reader', () => {
  const output = new ServerOutput()
  const lines = output.readLines()
  writeSync(output.descriptor, 'ready\n')
  for (let count = 0; count < 9; count += 1) writeSync(output.descriptor, `${'b'.repeat(1024 * 1024 - 1)}\n`)
  output.bound()
  writeSync(output.descriptor, 'after\n')
  const all = lines.next()
  expect([all[0], all.at(-1), all.length]).toEqual(['ready', 'after', 11])
  output.close()
})

test('the tail is what a person sees', () => {
  const output = new ServerOutput()
  writeSync(output.descriptor, '\u001B[31mlisten EADDRINUSE: address already in use :::\u001B[33m3000\u001B[39m\n')
  expect(output.tail).toBe('listen EADDRINUSE: address already in use :::3000\n')
  output.close()
})

test.each([
  ['a curly underline', '\u001B[4:3mready\u001B[0m'],
  ['a colour with colons', '\u001B[38:2::1:2:3mready\u001B[39m'],
  ['a private mode', '\u001B[>4;2mready'],
  ['a saved cursor', '\u001B7ready\u001B8'],
  ['a hyperlink', '\u001B]8;;http://127.0.0.1:1\u0007ready\u001B]8;;\u0007'],
  ['a title', '\u001B]0;my server\u001B\\ready'],
])('%s is no part of the line', (_name, line) => {
  const output = new ServerOutput()
  const lines = output.readLines()
  writeSync(output.descriptor, `${line}\n`)
  expect(lines.next()).toEqual(['ready'])
  expect(output.tail).toBe('ready\n')
  output.close()
})
