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
