import { expect, test } from 'vitest'
import { BodyBuffer } from '../../../../src/load/http/body-buffer.ts'

test.for([undefined, 5, 8, Number.MAX_SAFE_INTEGER])(
  'joins parts of a body that is announced with %s bytes',
  (length) => {
    const body = new BodyBuffer()
    body.begin(length)
    const read = Buffer.from('abc')
    body.add(read)
    // It is read into again.
    read.write('dez')
    body.add(read.subarray(0, 2))
    read.fill('x')
    expect(body.end().toString()).toBe('abcde')
    expect(body.end()).toHaveLength(0)
  },
)

test('a new one has nothing of one that was cut', () => {
  const body = new BodyBuffer()
  body.begin(10)
  body.add(Buffer.from('abc'))
  body.begin(undefined)
  body.add(Buffer.from('d'))
  expect(body.end().toString()).toBe('d')
})

test('memory for a whole is taken when the first of it has come, and for none where none comes', () => {
  const body = new BodyBuffer()
  body.begin(2 ** 31)
  expect(body.end()).toHaveLength(0)
})
