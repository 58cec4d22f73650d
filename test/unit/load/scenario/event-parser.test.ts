import { array, assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { EventParser } from '../../../../src/load/scenario/event-parser.ts'

function parse(...chunks: Buffer[]) {
  const events: unknown[] = []
  const parser = new EventParser((event) => events.push(event))
  for (const chunk of chunks) parser.read(chunk)
  return events
}

// Cases of the HTML Living Standard, 9.2.6.
test.for([
  ['data: YHOO\ndata: +2\ndata: 10\n\n', [{ event: 'message', data: 'YHOO\n+2\n10', id: '' }]],
  [
    ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
    [
      { event: 'message', data: 'first event', id: '1' },
      { event: 'message', data: 'second event', id: '' },
      { event: 'message', data: ' third event', id: '' },
    ],
  ],
  [
    'data\n\ndata\ndata\n\ndata:',
    [
      { event: 'message', data: '', id: '' },
      { event: 'message', data: '\n', id: '' },
    ],
  ],
  [
    'event: add\r\ndata: 1\r\rid: 2\ndata: é\n\n',
    [
      { event: 'add', data: '1', id: '' },
      { event: 'message', data: 'é', id: '2' },
    ],
  ],
  [
    '\uFEFFdata: x\n\nevent: only\n\ndata: y\n\n',
    [
      { event: 'message', data: 'x', id: '' },
      { event: 'message', data: 'y', id: '' },
    ],
  ],
] as const)('%j', ([text, events]) => {
  expect(parse(Buffer.from(text))).toEqual(events)
})

test('however the bytes are cut', () => {
  const bytes = Buffer.from('id: 1\r\nevent: é\r\ndata: a\rdata: b\n\n: x\ndata: 😀\r\n\r\n')
  const whole = parse(bytes)
  assert(
    property(array(integer({ min: 0, max: bytes.length })), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
      expect(parse(...at.slice(1).map((end, index) => bytes.subarray(at[index], end)))).toEqual(whole)
    }),
  )
})
