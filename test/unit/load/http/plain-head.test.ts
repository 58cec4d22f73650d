import { describe, expect, it } from 'vitest'
import { parsePlainHead, readPlainHead } from '../../../../src/load/http/plain-head.ts'

const head = (...lines: string[]) => lines.join('\r\n')

describe('parsePlainHead', () => {
  it.for([
    [head('HTTP/1.1 200 OK', 'Content-Length: 5'), 200, 5],
    [
      head(
        'HTTP/1.1 503 Service Unavailable',
        'X: 1',
        'content-length:0',
        'Connection: keep-alive',
        'Keep-Alive: timeout=5',
      ),
      503,
      0,
    ],
    [head('HTTP/1.1 404', 'CONTENT-LENGTH: 12 '), 404, 12],
    [head('HTTP/1.1 200 OK', 'X-Content-Length: 9', 'Content-Length: 5'), 200, 5],
  ] as const)('%o', ([text, status, length]) => {
    expect(parsePlainHead(text)).toMatchObject({ status, length })
    expect(readPlainHead(text)).toMatchObject({ status, length })
    expect(readPlainHead(text)).toBe(readPlainHead(text))
  })

  it.for([
    head('HTTP/1.1 200 OK'),
    head('HTTP/1.1 100 Continue'),
    head('HTTP/1.1 204 No Content', 'Content-Length: 0'),
    head('HTTP/1.1 304 Not Modified', 'Content-Length: 5'),
    head('HTTP/1.0 200 OK', 'Content-Length: 5'),
    head('HTTP/1.1 200 OK', 'Content-Length: 5', 'Connection: close'),
    head('HTTP/1.1 200 OK', 'Content-Length: 5', 'connection:Keep-Alive, Upgrade'),
    head('HTTP/1.1 200 OK', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    head('HTTP/1.1 101 Switching Protocols', 'Upgrade: x'),
    head('HTTP/1.1 200 OK', 'Content-Length: 5', 'Content-Length: 6'),
    head('HTTP/1.1 200 OK', 'Content-Length: 5x'),
    head('HTTP/1.1 200 OK', 'Content-Length: -5'),
    head('HTTP/1.1 200 OK', 'Content-Length:'),
    head('HTTP/1.1 200 OK', 'X: a\nContent-Length: 5'),
    head('HTTP/1.1 200 OK', 'X: a', ' Content-Length: 5'),
    head('HTTP/1.1 20 OK', 'Content-Length: 5'),
    head('SMTP/1.1 200 OK', 'Content-Length: 5'),
    '',
  ])('leaves to the parser: %o', (text) => {
    expect(parsePlainHead(text)).toBeUndefined()
    expect(readPlainHead(text)).toBeUndefined()
  })
})
