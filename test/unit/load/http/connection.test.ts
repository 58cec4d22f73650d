import { describe, expect, it } from 'vitest'
import type { LoadOptions } from '../../../../src/load/plan/load-options.ts'
import { codedError, OPENING, type Script, type ScriptedRequest } from '../scripted-wire.ts'
import { answersAfter, runVirtually, VirtualLoad } from '../virtual-load.ts'

const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** Serves each line's first requests by `serve`, and what comes after `count` of them by `then`. */
function after(count: number, then: (request: ScriptedRequest) => void, milliseconds = 2): Script {
  const usual = answersAfter(milliseconds)
  return { serve: (request) => (request.line.requests <= count ? usual.serve?.(request) : then(request)) }
}

describe('a server that closes connections', () => {
  it.for([
    ['having said so', {}, 'Connection: close\r\n'],
    ['having said so, with more requests on the line', { pipelining: 4 }, 'Connection: close\r\n'],
  ] as const)('%s: nothing is lost, and each request is served once', ([, options, headers]) => {
    const served: string[] = []
    const script: Script = {
      serve: ({ line, path }) => {
        // Every third answer is the last of its line: what was sent behind it is not served.
        if (line.requests > 3) return
        served.push(path)
        line.answer(line.requests * 2, { headers: line.requests === 3 ? headers : '' })
        if (line.requests === 3) line.end(7)
      },
    }
    const requests = Array.from({ length: 40 }, (_, index) => ({ path: `/${index}` }))
    const load = runVirtually({ connections: 3, amount: 400, requests, ...options } satisfies LoadOptions, script)
    expect(load.result).toMatchObject({ requests: 400, errors: { total: 0 }, unanswered: 0 })
    const times = (path: string) => served.filter((other) => other === path).length
    expect(requests.map(({ path }) => times(path))).toEqual(Array.from({ length: 40 }, () => 10))
  })

  it('without a word, by FIN or RST: every request lost is an error, and no latency is', () => {
    for (const lose of [
      (request: ScriptedRequest) => request.line.end(1),
      (request: ScriptedRequest) => request.line.reset(1),
    ]) {
      const { result, wire } = runVirtually({ connections: 2, duration: 1_000 }, after(5, lose))
      expect(wire.lines.length).toBeGreaterThan(100)
      const lost = result.errors.byKind.reset?.count ?? 0
      // Each line served five, and lost one, but for the last two.
      expect(result.requests).toBe(wire.requests.length - lost - result.unanswered)
      expect(Math.abs(lost - wire.lines.length)).toBeLessThanOrEqual(2)
      expect(result.errors.total).toBe(lost)
      expect(result.errorRate).toBeCloseTo(lost / (lost + result.requests), 10)
      expect(result.latency.max).toBeLessThan(2 + OPENING + 0.1)
    }
  })

  it('in the middle of an answer', () => {
    const half = (request: ScriptedRequest) => {
      request.line.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', 1)
      request.line.end(2)
    }
    const { result } = runVirtually({ connections: 1, amount: 60 }, after(5, half))
    expect(result.statusCodes).toEqual({ 200: 50 })
    expect(result.errors.byKind.reset).toMatchObject({
      count: 10,
      message: 'connection closed by the server in the middle of an answer',
    })
  })

  it('to end a body that has no length', () => {
    const untilEnd: Script = {
      serve: ({ line }) => {
        line.send('HTTP/1.1 200 OK\r\n\r\nso much', 1)
        line.end(2)
      },
    }
    const { result, wire } = runVirtually({ connections: 2, amount: 20 }, untilEnd)
    expect(result).toMatchObject({ requests: 20, errors: { total: 0 } })
    // Each on a line of its own.
    expect(wire.requests).toHaveLength(20)
    expect(wire.lines.length).toBeGreaterThanOrEqual(20)
  })

  it('at once: does not spin, since pauses grow', () => {
    const script: Script = { serve: ({ line }) => line.end(0) }
    const load = runVirtually({ connections: 2, duration: 2_000 }, script)
    expect(load.end).toMatchObject({ outcome: 'failed' })
    // 10, 20, 40, 80, 160, then every 250 ms.
    expect(load.wire.lines.length).toBeLessThanOrEqual(2 * 13)
    expect(load.wire.lines.length).toBeGreaterThan(2 * 10)
  })
})

describe('what is not our HTTP', () => {
  it('is an error of kind protocol, with what is wrong, and the rest of the line is lost', () => {
    const script: Script = { serve: ({ line }) => line.send('SSH-2.0-OpenSSH_9\r\n\r\n', 1) }
    const load = runVirtually({ connections: 2, duration: 500, pipelining: 2 }, script)
    const { protocol, reset } = load.result.errors.byKind
    expect(protocol?.message).toBe('an answer that is not HTTP/1.1: an invalid status line')
    expect(reset).toMatchObject({ count: protocol?.count, message: 'lost behind an answer that is not HTTP/1.1' })
    expect(load.wire.lines.length).toBeLessThan(20)
  })

  it.for([
    ['an answer that no request asked for', PLAIN + PLAIN],
    ['101 Switching Protocols that no request asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
  ])('%s', ([message, bytes]) => {
    const script: Script = { serve: ({ line, index }) => line.send(index % 3 === 0 ? (bytes as string) : PLAIN, 30) }
    const { result } = runVirtually({ connections: 1, duration: 1_000 }, script)
    expect(result.errors.byKind.protocol?.message).toBe(message)
    expect(result.errors.total).toBe(result.errors.byKind.protocol?.count)
    // No answer is taken for that of a request sent after it.
    expect(result.latency.min).toBeGreaterThan(29.9)
  })
})

describe('time-outs', () => {
  it('of requests that hang, below a second too; what waits behind one is lost with it', () => {
    const hangs = runVirtually({ connections: 3, duration: 700, timeout: 200 }, {})
    expect(hangs.result.errors.byKind).toMatchObject({ timeout: { count: 9, message: 'no answer within 200 ms' } })
    const half: Script = { serve: ({ line, at }) => void (at > 100 && line) }
    const piped = runVirtually({ connections: 1, duration: 450, timeout: 200, pipelining: 3 }, half)
    expect(piped.result.errors.byKind.timeout?.count).toBe(6)
  })

  it('of connections that hang', () => {
    const script: Script = { ...answersAfter(1), open: (index) => index !== 1 }
    const load = new VirtualLoad({ connections: 2, duration: 1_000, timeout: 300 }, script)
    const result = load.finish()
    expect(result.errors.byKind).toMatchObject({ timeout: { count: 1, message: 'no connection within 300 ms' } })
    // It is tried again, and then serves.
    expect(load.wire.lines[2]?.requests).toBeGreaterThan(100)
  })

  it('are not blamed on the server for a pause of this process', () => {
    const load = new VirtualLoad({ connections: 10, duration: 2_000, timeout: 300 }, answersAfter(20))
    load.clock.advance(900)
    load.clock.block(700)
    const result = load.finish()
    expect(result.errors.total).toBe(0)
    expect(result).toMatchObject({ saturated: true })
    expect(result.generator.reason).toMatch(/^the load process stood still for 690 of 2000 ms/)
  })
})

describe('a target that cannot be reached', () => {
  it('is given up within a second where every connection is refused, without a storm', () => {
    const load = runVirtually({ connections: 50 }, { open: () => codedError('ECONNREFUSED') })
    expect(load.end).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(
        /^No connection to http:\/\/10\.0\.0\.1\/ could be opened \(\d+ attempts in 5\d\d ms\): connect ECONNREFUSED .*Is the server running/,
      ),
    })
    expect(load.endedAt).toBeLessThan(600)
    expect(load.result.errors.byKind.refused?.count).toBeLessThan(400)
  })

  it('is given up within a second where one attempt fails and the rest hang', () => {
    const load = runVirtually({ connections: 2 }, { open: (index) => index === 0 && codedError('ECONNRESET') })
    expect(load.end).toMatchObject({ message: expect.stringContaining('No connection to') })
    expect(load.endedAt).toBeLessThan(1_000)
  })

  it('is given up after five seconds where it was there, and only an amount would end the load', () => {
    const script: Script = {
      open: (_, at) => (at < 500 ? true : codedError('ECONNREFUSED')),
      serve: ({ line, at }) => (at < 500 ? line.answer(5) : line.reset()),
    }
    const load = runVirtually({ connections: 2, amount: 1e9 }, script)
    expect(load.end).toMatchObject({
      message: expect.stringMatching(/was lost: no connection could be opened any more for 5\d\d\d ms: .*ECONNREFUSED/),
    })
    expect(load.result.requests).toBeGreaterThan(150)
    expect(load.endedAt).toBeLessThan(5_900)
    // Where a duration ends it, the load goes on: the target may come back.
    const timed = runVirtually({ connections: 2, duration: 8_000 }, script)
    expect(timed.end).toEqual({ outcome: 'completed' })
    expect(timed.result.duration).toBe(8_000)
  })

  it('of which this machine is the reason is said to be that', () => {
    const script: Script = { ...answersAfter(1), open: (index) => index < 3 || codedError('EMFILE') }
    const { result } = runVirtually({ connections: 5, duration: 300 }, script)
    expect(result).toMatchObject({ saturated: true })
    expect(result.generator.reason).toContain('ulimit -n')
  })
})

describe('a list of requests', () => {
  const requests = Array.from({ length: 200 }, (_, n) => ({ method: 'POST', body: { n } }))
  const options = [{}, { pipelining: 3 }, { rate: 1_000 }, { warmup: { duration: 100 } }] satisfies LoadOptions[]

  it.for(options)('is dealt out over all connections, each request once, in order: %o', (more) => {
    const load = runVirtually({ connections: 50, amount: 200, requests, ...more }, answersAfter(7))
    expect(load.result.requests).toBe(200)
    // The warm-up does not use up the list.
    const bodies = load.wire.requests.slice(-200).map(({ body }) => body)
    expect(bodies).toEqual(requests.map(({ body }) => JSON.stringify(body)))
  })

  it('is sent by each connection for itself with `order: perConnection`, and goes on after the warm-up', () => {
    const load = runVirtually(
      { connections: 2, amount: 8, order: 'perConnection', requests: requests.slice(0, 3), warmup: { duration: 15 } },
      answersAfter(10),
    )
    const numbers = (index: number) =>
      load.wire.requests.filter(({ line }) => line.index === index).map(({ body }) => JSON.parse(body).n as number)
    expect(numbers(0)).toEqual([0, 1, 2, 0, 1, 2].slice(0, numbers(0).length))
    expect(numbers(1)).toEqual(numbers(0))
    expect(numbers(0).length).toBeGreaterThanOrEqual(5)
  })

  it('loses what fails: an attempt is one of the list, in the order', () => {
    const script = after(3, ({ line }) => line.reset(1))
    const { result, wire } = runVirtually({ connections: 4, amount: 200, requests }, script)
    expect(result.requests + result.errors.total).toBe(200)
    expect(wire.requests.map(({ body }) => JSON.parse(body).n)).toEqual(requests.map(({ body }) => body.n))
  })
})
