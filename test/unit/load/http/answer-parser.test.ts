import { describe, expect, it } from 'vitest'
import { AnswerParser } from '../../../../src/load/http/answer-parser.ts'

const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const CHUNKED = 'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'
const EARLY = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
const EMPTY = 'HTTP/1.1 204 No Content\r\n\r\n'
const UNCHANGED = 'HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n'
const LAST = 'HTTP/1.1 500 Oops\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno'

function parse(stream: string, size: number) {
  const answers: [number, boolean][] = []
  const parser = new AnswerParser({
    request: () => undefined,
    onAnswer: (status, keepAlive) => answers.push([status, keepAlive]),
  })
  // As the connections do it: one buffer for all chunks, so that old bytes stand behind the new.
  const buffer = Buffer.alloc(1_024, PLAIN)
  let wrong: string | undefined
  for (let offset = 0; offset < stream.length; offset += size) {
    wrong ??= parser.read(buffer, buffer.write(stream.slice(offset, offset + size), 'latin1'))
  }
  return { answers, wrong, parser }
}

describe('AnswerParser', () => {
  it.for([1, 2, 3, 7, 16, 40, 61, 1_000])('reads the same answers from chunks of %d bytes', (size) => {
    const stream = PLAIN + PLAIN + EARLY + CHUNKED + PLAIN + EMPTY + UNCHANGED + PLAIN + LAST
    const { answers, wrong } = parse(stream, size)
    expect(wrong).toBeUndefined()
    expect(answers.map(([status]) => status)).toEqual([200, 200, 201, 200, 204, 304, 200, 500])
    expect(answers.map(([, keepAlive]) => keepAlive)).toEqual([...Array.from({ length: 7 }, () => true), false])
  })

  it('completes a body by the end of its connection, and only such a one', () => {
    const { answers, parser } = parse('HTTP/1.1 200 OK\r\n\r\nso much', 5)
    expect(answers).toEqual([])
    expect(parser.underway).toBe(true)
    expect(parser.end()).toBe(true)
    expect(answers).toEqual([[200, false]])
    expect(parse(PLAIN.slice(0, -1), 100).parser.end()).toBe(false)
    expect(parse(PLAIN, 100).parser.end()).toBe(false)
  })

  it('forgets what was under way', () => {
    const { answers, parser } = parse(PLAIN.slice(0, -2), 100)
    parser.reset()
    expect(parser.underway).toBe(false)
    parser.read(Buffer.from(PLAIN), PLAIN.length)
    expect(answers).toEqual([[200, true]])
  })

  it.for([
    'no HTTP\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello',
    ...['-500', '+2', '0x2', '', '2.5', 'Infinity', '1e1', '5, 5'].map(
      (length) => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\nhello`,
    ),
    ...['zz', '', '-2', '-5', '0x5', '5.0', '1'.repeat(20)].map(
      (size) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\nhello\r\n0\r\n\r\n`,
    ),
    'HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`,
  ])('says what is wrong: %j', (stream) => {
    const parser = new AnswerParser({ request: () => undefined, onAnswer() {} })
    expect(parser.read(Buffer.from(stream), stream.length)).toEqual(expect.any(String))
  })

  it.for([
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: gzip\r\nTransfer-Encoding: Chunked',
    'Content-Length: 3\r\nTransfer-Encoding: chunked',
  ])('takes a body as chunked where that is the last coding: %j', (headers) => {
    const { answers, wrong } = parse(
      `HTTP/1.1 200 OK\r\n${headers}\r\n\r\n000000000000000A;ext=1\r\n0123456789\r\n0\r\nT: 1\r\n\r\n`,
      7,
    )
    expect(wrong).toBeUndefined()
    expect(answers).toEqual([[200, true]])
  })

  it('reads up to the end where another coding is the last', () => {
    const { answers, parser } = parse(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\nso much',
      9,
    )
    expect(answers).toEqual([])
    expect(parser.end()).toBe(true)
  })

  it('knows that an answer to HEAD has no body', () => {
    const answers: number[] = []
    const parser = new AnswerParser({
      request: () => ({ bytes: new Uint8Array(), isHead: true }),
      onAnswer: (status) => answers.push(status),
    })
    const stream = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(parser.read(Buffer.from(stream), stream.length)).toBeUndefined()
    expect(answers).toEqual([200, 200])
  })
})
