import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { AnswerParser } from '../../../../src/load/http/answer-parser.ts'
import { AnswerHead } from '../../../../src/load/http/answer-head.ts'
import { CapturedAnswer } from '../../../../src/load/http/captured-answer.ts'
import type { OutgoingRequest } from '../../../../src/load/http/outgoing-request.ts'

const TEXT = 'a body that is long enough to be worth a coding, a body that is long enough'

describe('CapturedAnswer', () => {
  it.for([
    ['gzip', gzipSync(TEXT)],
    ['x-gzip', gzipSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['deflate', deflateRawSync(TEXT)],
    ['gzip, br', brotliCompressSync(gzipSync(TEXT))],
    ['identity', Buffer.from(TEXT)],
    ['', Buffer.from(TEXT)],
  ] as const)('undoes %s', ([coding, bytes]) => {
    const answer = new CapturedAnswer(new AnswerHead(['Content-Encoding', coding]), bytes)
    expect(answer.body.toString()).toBe(TEXT)
    expect(answer.malformed).toBeUndefined()
  })

  it.for(['gzip', 'br', 'zstandard'])('says what is wrong with %s, and keeps the bytes', (coding) => {
    const answer = new CapturedAnswer(new AnswerHead(['content-encoding', coding]), Buffer.from(TEXT))
    expect(answer.malformed).toEqual(expect.any(String))
    expect(answer.body.toString()).toBe(TEXT)
  })

  it('an answer to HEAD or 304 has a coding and no body', () => {
    const answer = new CapturedAnswer(new AnswerHead(['Content-Encoding', 'gzip']), Buffer.alloc(0))
    expect(answer.body).toHaveLength(0)
    expect(answer.malformed).toBeUndefined()
  })

  it('joins values of one name, whatever its case', () => {
    const { headers } = new CapturedAnswer(new AnswerHead(['X-A', '1', '__proto__', 'p', 'x-a', '2']), Buffer.alloc(0))
    expect(Object.entries(headers)).toEqual([
      ['x-a', '1, 2'],
      ['__proto__', 'p'],
    ])
  })
})

describe('what the parser hands out', () => {
  const PLAIN = 'HTTP/1.1 200 OK\r\nX-A:  1 \r\nContent-Length: 5\r\n\r\nhello'
  const CHUNKED = 'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'
  const MOVED = 'HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 2\r\n\r\ngo'

  function read(stream: string, size: number, request?: Partial<OutgoingRequest>) {
    const answers: (CapturedAnswer | undefined)[] = []
    const sent = { bytes: new Uint8Array(), isHead: false, ...request }
    const parser = new AnswerParser({ request: () => sent, onAnswer: (_, __, answer) => answers.push(answer) })
    const buffer = Buffer.alloc(1_024)
    for (let offset = 0; offset < stream.length; offset += size) {
      parser.read(buffer, buffer.write(stream.slice(offset, offset + size), 'latin1'))
    }
    // What is kept must not change with the next read.
    buffer.fill('x')
    return answers.map((answer) => answer && { headers: { ...answer.headers }, body: answer.body.toString() })
  }

  it.for([1, 3, 20, 1_000])('headers and body in chunks of %d bytes, where they are needed', (size) => {
    expect(read(PLAIN + CHUNKED, size)).toEqual([undefined, undefined])
    expect(read(PLAIN + CHUNKED, size, { needsHeaders: true })).toEqual([
      { headers: { 'x-a': '1', 'content-length': '5' }, body: '' },
      { headers: { 'transfer-encoding': 'chunked' }, body: '' },
    ])
    expect(read(PLAIN + CHUNKED + PLAIN, size, { needsBody: true }).map((answer) => answer?.body)).toEqual([
      'hello',
      'abcde',
      'hello',
    ])
  })

  it.for([1, 1_000])('the headers of a redirect always, in chunks of %d bytes', (size) => {
    expect(read(PLAIN + MOVED, size)).toEqual([
      undefined,
      { headers: { location: '/login', 'content-length': '2' }, body: '' },
    ])
  })
})
