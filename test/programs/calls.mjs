// Functions for `memoryMonitor.measure`: what each name says is kept for ever, or let go.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash, randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

let calls = 0
const next = () => (calls += 1)

const kept = { list: [], map: new Map(), set: new Set(), props: {}, chain: undefined }
const emitter = new EventEmitter().setMaxListeners(0)

export const leaking = {
  object: () => kept.list.push({ call: next() }),
  mapKey: () => kept.map.set(`key ${next()}`, calls),
  listener: () => emitter.on('never', () => calls),
  chain() {
    const previous = kept.chain
    kept.chain = () => previous
  },
  pending: () => kept.list.push(new Promise(() => {})),
  async afterAwait() {
    await turn()
    kept.list.push([next()])
  },
  smallBuffer: () => kept.list.push(Buffer.alloc(64)),
  largeBuffer: () => kept.list.push(Buffer.alloc(10_000)),
  string: () => kept.list.push(String(Math.random()).repeat(3).slice(2)),
  slice: () => kept.list.push(`${'long '.repeat(100)}${next()}`.slice(0, 20)),
  set: () => kept.set.add({ call: next() }),
  timer: () => kept.list.push(setTimeout(() => {}, 1e8).unref()),
  tenth: () => next() % 10 === 0 && kept.list.push({ rows: Array.from({ length: 30 }, next) }),
}

const lru = new Map()
const ring = []
const storage = new AsyncLocalStorage()

export const sound = {
  json: () => JSON.parse(JSON.stringify({ rows: [1, 2, 3], text: 'x'.repeat(50) })),
  regexp: () => /(\d+)-(\w+)/.exec(`12-${next()}`),
  lru() {
    lru.set(next(), { call: calls })
    if (lru.size > 100) lru.delete(lru.keys().next().value)
  },
  ring: () => (ring[next() % 64] = { call: calls, text: `ring ${calls}` }),
  hash: () => createHash('sha256').update(String(next())).digest('hex'),
  gzip: () => gzipSync('hello'.repeat(20)),
  buffers: () => randomBytes(2_000),
  async afterAwait() {
    await turn()
    return [next()]
  },
  context: () => storage.run({ call: next() }, () => turn()),
  once() {
    emitter.once('now', () => {})
    emitter.emit('now')
  },
  stack: () => new Error(`error ${next()}`).stack,
  weak: () => new WeakRef({ call: next() }).deref(),
  dates: () => new Intl.DateTimeFormat('en', { dateStyle: 'short' }).format(new Date(next() * 1e7)),
  url: () => new URL(`http://host/${next()}?q=${calls}`).searchParams.get('q'),
  aborts() {
    const controller = new AbortController()
    controller.signal.addEventListener('abort', () => {})
    controller.abort()
  },
  clone: () => structuredClone({ map: new Map([[1, { call: next() }]]) }),
}
