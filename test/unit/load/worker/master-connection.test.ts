import { beforeAll, expect, it } from 'vitest'
import { MasterConnection, type WireListener } from '../../../../src/load/worker/master-connection.ts'
import { importCodec, type MessageCodec } from '../../../../src/load/worker/message-codec.ts'
import { VirtualClock } from '../../virtual-clock.ts'

let codec: MessageCodec
beforeAll(async () => {
  codec = await importCodec()
})

interface OpenedWire {
  readonly node: string
  readonly listener: WireListener
  /** Type and data of each message. */
  readonly sent: [type: string, data: unknown][]
  isOpen: boolean
  /** The master says something. */
  say(type: string, data?: unknown): void
}

function connect() {
  const clock = new VirtualClock()
  const wires: OpenedWire[] = []
  const events: string[] = []
  const connection = new MasterConnection({
    clock,
    codec,
    name: 'host:7',
    open(node, listener) {
      const wire: OpenedWire = {
        node,
        listener,
        sent: [],
        isOpen: true,
        say: (type, data = null) => listener.onMessage(codec.encode([type, data, node])),
      }
      wires.push(wire)
      return {
        send: (message) =>
          wire.sent.push((codec.decode(message) as [string, unknown]).slice(0, 2) as [string, unknown]),
        close: () => (wire.isOpen = false),
      }
    },
    usage: () => ({ cpu: 12, memory: 3_000 }),
    isLoaded: () => false,
    listener: {
      onJoined: () => events.push('joined'),
      onMessage: (message) => events.push(`message ${JSON.stringify(message)}`),
      onLost: (why) => events.push(`lost: ${why}`),
      onShow: () => events.push('show'),
      onStop: () => events.push('stop'),
    },
  })
  const last = () => wires.at(-1) as OpenedWire
  return { clock, wires, last, events, connection, types: () => last().sent.map(([type]) => type) }
}

it('calls the master without a version to check, joins when it answers, and says each second that it lives', () => {
  const { clock, last, events, connection } = connect()
  expect(last().sent).toEqual([['client_ready', -1]])
  connection.send('too early')
  last().say('ack', { index: 0 })
  expect(events).toEqual(['joined'])
  for (let beat = 0; beat < 4; beat += 1) {
    clock.advance(500)
    last().say('perf_beat')
  }
  const state = { state: 'ready', current_cpu_usage: 12, current_memory_usage: 3_000 }
  expect(last().sent.filter(([type]) => type === 'heartbeat')).toEqual(
    Array.from({ length: 3 }, () => ['heartbeat', state]),
  )
  expect(last().sent.filter(([type]) => type === 'perf_beat')).toHaveLength(4)
})

it('passes messages on, in both directions, as bytes that the master does not look into', () => {
  const { last, events, connection } = connect()
  last().say('ack')
  last().say('perf', codec.encode({ type: 'time', at: 1.5 }))
  connection.send({ rate: Number.NaN, peak: Infinity, absent: undefined })
  expect(events.at(-1)).toBe('message {"type":"time","at":1.5}')
  const [, body] = last().sent.at(-1) as [string, Uint8Array]
  expect(codec.decode(body)).toEqual({ rate: Number.NaN, peak: Infinity })
  expect(codec.decode(body)).not.toHaveProperty('absent')
})

it('ends what runs 2 s after the last beat, and calls the next master under another name', () => {
  const { clock, wires, last, events } = connect()
  last().say('ack')
  clock.advance(500)
  last().say('perf_beat')
  clock.advance(1_999)
  expect(events).toEqual(['joined'])
  clock.advance(2)
  expect(events).toEqual(['joined', 'lost: sent nothing for 2 s'])
  expect(wires).toHaveLength(2)
  expect(wires[0]?.isOpen).toBe(false)
  expect(wires[1]?.node).not.toBe(wires[0]?.node)
  last().say('ack')
  expect(events.at(-1)).toBe('joined')
})

it.for([
  ['quit', (wire: OpenedWire) => wire.say('quit'), 'lost: quit'],
  ['a closed connection', (wire: OpenedWire) => wire.listener.onClosed(), 'lost: closed its connection'],
  ['reconnect', (wire: OpenedWire) => wire.say('reconnect'), 'lost: asked for a new connection'],
] as const)('ends what runs at once after %s, and survives', ([, end, lost]) => {
  const { wires, last, events } = connect()
  last().say('ack')
  end(last())
  expect(events).toEqual(['joined', lost])
  expect(wires.map(({ isOpen }) => isOpen)).toEqual([false, true])
  // What the old connection still says is nobody's word.
  wires[0]?.say('perf', codec.encode('late'))
  expect(events).toHaveLength(2)
})

it('calls again where nobody answers for 5 s', () => {
  const { clock, wires, events } = connect()
  clock.advance(12_000)
  expect(wires.map(({ isOpen }) => isOpen)).toEqual([false, false, true])
  expect(events).toEqual([])
})

it("answers Locust's page", () => {
  const { last, events, types } = connect()
  last().say('ack')
  last().say('spawn', { user_classes_count: { VitestPluginPerf: 5 } })
  expect(last().sent.slice(-2)).toEqual([
    ['spawning', null],
    ['spawning_complete', { user_classes_count: { VitestPluginPerf: 5 }, user_count: 5 }],
  ])
  last().say('stop')
  expect(types().slice(-2)).toEqual(['client_stopped', 'client_ready'])
  expect(events).toEqual(['joined', 'show', 'stop'])
  last().say('ack')
  expect(events).toHaveLength(3)
})

it('ignores what cannot be read', () => {
  const { last, events } = connect()
  last().say('ack')
  last().listener.onMessage(new Uint8Array([0xc1, 7]))
  last().listener.onMessage(codec.encode('text'))
  last().say('perf', 'no bytes')
  last().say('perf', new Uint8Array([0xc1]))
  last().say('unheard of')
  expect(events).toEqual(['joined', 'message undefined'])
})

it('leaves the master in order, and leaves nothing behind', () => {
  const { clock, last, connection, types } = connect()
  last().say('ack')
  connection.close()
  connection.close()
  expect(types().at(-1)).toBe('quit')
  expect(last().isOpen).toBe(false)
  expect(clock.pending).toBe(0)
})
