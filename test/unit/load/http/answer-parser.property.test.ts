import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AnswerParser } from '../../../../src/load/http/answer-parser.ts'

// The short way for plain answers and http-parser-js must read the same answers from the same bytes, however these are cut.

interface Reading {
  answers: { status: number; keepAlive: boolean; headers: [string, string][]; body: string }[]
  malformed: boolean
  underway: boolean
  endCompletes: boolean
}

const READ_BUFFER = 4_096

/** Reads `stream` in pieces that end at `cuts`, as a connection does: all through one buffer, old bytes behind the new. */
function read(stream: string, cuts: readonly number[], shortWay: boolean, isHead = false): Reading {
  const answers: Reading['answers'] = []
  const request = { bytes: new Uint8Array(), isHead, needsBody: true }
  const parser = new AnswerParser(
    {
      request: () => request,
      onAnswer: (status, keepAlive, answer) =>
        answers.push({
          status,
          keepAlive,
          headers: Object.entries(answer?.headers ?? {}),
          body: answer?.body.toString('latin1') ?? '',
        }),
    },
    { shortWay },
  )
  const buffer = Buffer.alloc(READ_BUFFER, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  let malformed = false
  const bounds = [...new Set([...cuts.map((cut) => cut % (stream.length + 1)), stream.length])].toSorted(
    (a, b) => a - b,
  )
  let from = 0
  for (const to of bounds) {
    if (to === from) continue
    if (parser.read(buffer, buffer.write(stream.slice(from, to), 'latin1')) !== undefined) malformed = true
    from = to
  }
  return { answers, malformed, underway: parser.underway, endCompletes: parser.end() }
}

function expectSame(stream: string, cuts: readonly number[], isHead: boolean): void {
  fc.pre(stream.length <= READ_BUFFER)
  const whole = read(stream, [], false, isHead)
  for (const [pieces, shortWay] of [
    [[], true],
    [cuts, true],
    [cuts, false],
  ] as const) {
    expect(read(stream, pieces, shortWay, isHead)).toEqual(whole)
  }
}

const cuts = fc.array(fc.nat(READ_BUFFER), { maxLength: 12 })
const some = (...texts: string[]) => fc.constantFrom(...texts)
const lineEnd = fc.oneof({ weight: 12, arbitrary: fc.constant('\r\n') }, some('\n', '\r\r\n', '\r', '\n\r', ' \r\n'))
const statusLine = fc.oneof(
  { weight: 6, arbitrary: some('HTTP/1.1 200 OK', 'HTTP/1.1 404', 'HTTP/1.1 500 ', 'HTTP/1.1 301 Moved') },
  some(
    'HTTP/1.0 200 OK',
    'HTTP/1.1 204 None',
    'HTTP/1.1 304 Same',
    'HTTP/1.1 100 Continue',
    'HTTP/1.1 103 Early',
    'HTTP/1.1 101 Switch',
    'HTTP/2.0 200 OK',
    'HTTP/1.1 200OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 099 Low',
    'HTTP/1.1 999 High',
    'http/1.1 200 OK',
    'HTTP/1.1 200 \u00ff\u0085',
    '',
  ),
)
const length = some(
  '0',
  '1',
  '2',
  '5',
  '05',
  '-1',
  '+2',
  '1e1',
  '0x2',
  '2.0',
  ' 2 ',
  '2,2',
  '',
  '99999999999999999',
  'x',
  '\t3',
)
const lengthHeader = fc
  .tuple(
    some('Content-Length', 'content-length', 'CONTENT-LENGTH'),
    some(':', ': ', ' : ', ':\t', '\u00ba', ' '),
    length,
  )
  .map((parts) => parts.join(''))
const header = fc.oneof(
  { weight: 4, arbitrary: lengthHeader },
  {
    weight: 2,
    arbitrary: some('Transfer-Encoding: chunked', 'transfer-encoding:chunked', 'Transfer-Encoding : chunked'),
  },
  some(
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, gzip',
    'Transfer-Encoding: chunked\r\n , gzip',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding:',
    'Connection: close',
    'Connection: Keep-Alive',
    'Connection: keep-alive, Upgrade',
    'Connection : close',
    'Connection: closed',
    'Upgrade: websocket',
    'X-Content-Length: 9',
    'X: a:b ',
    'X:',
    ' folded',
    '\tContent-Length: 3',
    ': nameless',
    'no colon',
    'X\u0000: 1',
    'X: \u0000\u00ff\u2028'.slice(0, 5),
    'Location: /login',
  ),
)
const head = fc
  .tuple(statusLine, fc.array(fc.tuple(lineEnd, header), { maxLength: 4 }), lineEnd, lineEnd)
  .map(([line, headers, last, empty]) => `${line}${headers.flat().join('')}${last}${empty}`)
const chunk = fc
  .tuple(
    some('2', '02', '0', '5', 'A', '-2', '0x2', 'zz', '', '2;ext', '2 ;ext', '2 x', ' 2', '1'.repeat(20)),
    some('\r\n', '\n'),
    some('ab', 'abcde', '', '0123456789'),
    some('\r\n', '\n', ''),
  )
  .map((parts) => parts.join(''))
const body = fc.oneof(
  some('', 'a', 'ab', 'hello', '\r\n', 'HTTP/1.1 200 OK\r\n\r\n'),
  fc.array(chunk, { maxLength: 3 }).map((chunks) => `${chunks.join('')}0\r\n\r\n`),
  some('0\r\nT: 1\r\n\r\n', '0\r\nbad trailer\r\n\r\n', '2\r\nab\r\n0\r\n\r\n'),
)
const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const answer = fc.oneof(
  { weight: 2, arbitrary: fc.constant(PLAIN) },
  fc.tuple(head, body).map((parts) => parts.join('')),
)
const stream = fc.array(answer, { minLength: 1, maxLength: 5 }).map((answers) => answers.join(''))

describe('the two ways through the parser agree, whatever the chunks', () => {
  it('on answers that are nearly right', () => {
    fc.assert(
      fc.property(stream, cuts, fc.boolean(), (text, at, isHead) => expectSame(text, at, isHead)),
      { numRuns: 1_500 },
    )
  })

  it('on right answers with a byte changed, added or taken away', () => {
    const mutation = fc.record({
      at: fc.nat(2_000),
      removed: fc.nat(2),
      put: fc.string({ maxLength: 2, unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) }),
    })
    const rest =
      'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n'
    const moved = 'HTTP/1.1 302 Found\r\nLocation: /a\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\ngo'
    const sound = fc.array(some(PLAIN, rest, moved), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(sound, mutation, cuts, ([...characters], { at, removed, put }, places) => {
        characters.splice(at % characters.length, removed, put)
        expectSame(characters.join(''), places, false)
      }),
      { numRuns: 1_500 },
    )
  })

  it('on any bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((values) => Buffer.from(values).toString('latin1'))
    fc.assert(
      fc.property(bytes, cuts, (text, at) => expectSame(text, at, false)),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(bytes, cuts, (text, at) => expectSame(PLAIN + text, at, false)),
      { numRuns: 500 },
    )
  })
})

describe('what is right is read', () => {
  const content = fc.string({
    maxLength: 60,
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  })
  const framing = fc.constantFrom('length', 'chunked', 'lowerCase', 'none', 'early') as fc.Arbitrary<
    'length' | 'chunked' | 'lowerCase' | 'none' | 'early'
  >
  const status = fc.constantFrom(200, 201, 301, 404, 503)

  function encode(
    how: 'length' | 'chunked' | 'lowerCase' | 'none' | 'early',
    code: number,
    text: string,
    size: number,
  ) {
    if (how === 'none') return { code: 204, bytes: 'HTTP/1.1 204 No Content\r\n\r\n', text: '' }
    const line = `HTTP/1.1 ${code} X\r\nX-Y: 1\r\n`
    if (how === 'lowerCase') return { code, text, bytes: `${line}content-length:${text.length}\r\n\r\n${text}` }
    const early = how === 'early' ? 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' : ''
    if (how !== 'chunked') return { code, text, bytes: `${early}${line}Content-Length: ${text.length}\r\n\r\n${text}` }
    let chunks = ''
    for (let from = 0; from < text.length; from += size) {
      const part = text.slice(from, from + size)
      chunks += `${part.length.toString(16)}\r\n${part}\r\n`
    }
    return { code, text, bytes: `${line}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n` }
  }

  it('status and body of each answer, whatever the framing and the chunks', () => {
    const answers = fc.array(fc.tuple(framing, status, content, fc.integer({ min: 1, max: 20 })), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(answers, cuts, fc.boolean(), (parts, at, shortWay) => {
        const encoded = parts.map((part) => encode(...part))
        const { answers: found, malformed } = read(encoded.map(({ bytes }) => bytes).join(''), at, shortWay)
        expect(malformed).toBe(false)
        expect(found.map(({ status: code, body: text }) => [code, text])).toEqual(
          encoded.map(({ code, text }) => [code, text]),
        )
      }),
      { numRuns: 500 },
    )
  })

  it('a body up to the end of the connection', () => {
    fc.assert(
      fc.property(content, cuts, (text, at) => {
        const { answers, endCompletes, underway } = read(`${PLAIN}HTTP/1.1 200 OK\r\n\r\n${text}`, at, true)
        expect({ underway, endCompletes }).toEqual({ underway: true, endCompletes: true })
        expect(answers.map(({ body: found, keepAlive }) => [found, keepAlive])).toEqual([
          ['hello', true],
          [text, false],
        ])
      }),
    )
  })
})

describe('refuses', () => {
  it.for([
    'Content-Length : 2',
    'Content-Length 2',
    'Content-Length\t: 2',
    ': 2',
    'Transfer-Encoding : chunked',
    ' Content-Length: 2',
  ])('a malformed header line, which a lenient parser would skip: %j', (line) => {
    expect(read(`HTTP/1.1 200 OK\r\n${line}\r\nX: 1\r\n\r\nab`, [], true).malformed).toBe(true)
  })

  it('a head that never ends, in one chunk or many, and no long body', () => {
    const long = `HTTP/1.1 200 OK\r\n${'X: 12345678901234567890\r\n'.repeat(4_000)}\r\n`
    const parse = (bytes: Buffer, size: number) => {
      const parser = new AnswerParser({ request: () => undefined, onAnswer() {} })
      for (let from = 0; from < bytes.length; from += size) {
        const part = bytes.subarray(from, from + size)
        const malformed = parser.read(part, part.length)
        if (malformed !== undefined) return malformed
      }
      return undefined
    }
    for (const size of [100, 16_384, 200_000]) {
      expect(parse(Buffer.from(long), size)).toBe('a head of more than 80 KB')
      expect(parse(Buffer.from(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`), size)).toContain('more than 80 KB')
      const body = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`)
      expect(parse(Buffer.concat([body, body, body, Buffer.from('HTTP/1.1 200 OK\r\n')]), size)).toBeUndefined()
    }
  })
})
