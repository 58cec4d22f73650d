// Sound servers that look like leaks: each comment says what bounds it. First run when the rule was fixed.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash, randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { serveVariant } from '../serve-variant.mjs'

const answer = (res) => res.end('{"ok":true}')
let requests = 0
const next = () => (requests += 1)
const item = (id) => ({ id, name: `item ${id}`, tags: ['a', 'b'] })

serveVariant({
  // Bounded at 300 entries, the oldest goes first: full after 300 requests.
  fifo() {
    const cache = new Map()
    return (req, res) => {
      cache.set(next(), item(requests))
      if (cache.size > 300) cache.delete(cache.keys().next().value)
      answer(res)
    }
  },
  // Bounded at 400 slots, a random one is replaced: full after 400 requests.
  randomEviction() {
    const slots = []
    return (req, res) => {
      if (slots.length < 400) slots.push(item(next()))
      else slots[Math.floor(Math.random() * 400)] = item(next())
      answer(res)
    }
  },
  // Two generations of 250: the older is dropped whole.
  twoGenerations() {
    let young = new Map()
    let old = new Map()
    return (req, res) => {
      young.set(next(), item(requests))
      if (young.size >= 250) [old, young] = [young, new Map()]
      res.end(String(old.size))
    }
  },
  // Entries live for 400 ms: about 160 of them at 400 requests a second.
  shortTtl() {
    const cache = new Map()
    return (req, res) => {
      const id = next()
      cache.set(id, item(id))
      setTimeout(() => cache.delete(id), 400).unref()
      answer(res)
    }
  },
  // A table of 400 rows, one built with each of the first 400 requests.
  lazyTable() {
    const rows = new Array(400)
    return (req, res) => {
      const row = next() % 400
      rows[row] ??= { row, cells: Array.from({ length: 20 }, (_, cell) => row * cell) }
      answer(res)
    }
  },
  // A window of the last 500 latencies.
  slidingWindow() {
    const latencies = []
    return (req, res) => {
      latencies.push({ at: Date.now(), took: Math.random() })
      if (latencies.length > 500) latencies.shift()
      next()
      answer(res)
    }
  },
  // Counters by second, of the last two seconds.
  rateCounters() {
    const counters = new Map()
    return (req, res) => {
      const second = Math.floor(Date.now() / 200)
      counters.set(second, (counters.get(second) ?? 0) + 1)
      for (const old of counters.keys()) if (old < second - 10) counters.delete(old)
      answer(res)
    }
  },
  // Every 150 ms an index of 5 000 entries is built, and the one before is dropped.
  rebuiltIndex() {
    let index = new Map()
    setInterval(() => (index = new Map(Array.from({ length: 5_000 }, (_, id) => [id, { id }]))), 150).unref()
    return (req, res) => res.end(String(index.size))
  },
  // Batches are flushed each 300 ms.
  batches() {
    let batch = []
    setInterval(() => (batch = []), 300).unref()
    return (req, res) => {
      batch.push({ ...item(next()), body: 'x'.repeat(200) + requests })
      answer(res)
    }
  },
  // Ids against duplicates, of this half second and the last.
  dedupeWindow() {
    let [current, last] = [new Set(), new Set()]
    setInterval(() => ([last, current] = [current, new Set()]), 500).unref()
    return (req, res) => {
      current.add(`${next()}-${requests * 3}`)
      res.end(String(current.size + last.size))
    }
  },
  json() {
    const rows = Array.from({ length: 200 }, (_, id) => item(id))
    return (req, res) => res.end(String(JSON.parse(JSON.stringify(rows)).length))
  },
  largeStrings() {
    return (req, res) => res.end(String('abc'.repeat(20_000 + (next() % 100)).toUpperCase().length))
  },
  crypto() {
    return (req, res) => res.end(createHash('sha256').update(randomBytes(2_000)).digest('hex'))
  },
  compression() {
    const text = 'some text that compresses '.repeat(50)
    return (req, res) => res.end(deflateSync(text).toString('base64'))
  },
  // The store of each request ends with it.
  context() {
    const storage = new AsyncLocalStorage()
    return (req, res) =>
      storage.run({ id: next(), large: new Array(300).fill(0) }, () =>
        setTimeout(() => res.end(String(storage.getStore().id)), 20),
      )
  },
  // Metadata goes with its request.
  weakMetadata() {
    const metadata = new WeakMap()
    return (req, res) => {
      metadata.set(req, { id: next(), list: new Array(50).fill(1) })
      res.end(String(metadata.get(req).id))
    }
  },
  // References to what others may collect, pruned when they have.
  weakRefs() {
    const refs = new Map()
    const gone = new FinalizationRegistry((id) => refs.delete(id))
    return (req, res) => {
      const value = item(next())
      refs.set(value.id, new WeakRef(value))
      gone.register(value, value.id)
      answer(res)
    }
  },
  // Keys of a bounded set of 200 labels.
  labels() {
    const counters = {}
    return (req, res) => {
      const label = `route-${next() % 200}`
      counters[label] = (counters[label] ?? 0) + 1
      answer(res)
    }
  },
  // Answers after 20 to 100 ms: at most 40 in flight.
  delayed() {
    return (req, res) => {
      const state = new Array(500).fill(next())
      setTimeout(() => res.end(String(state.length)), 20 + (requests % 80))
    }
  },
  // A histogram of 128 buckets, made whole by the first hundreds of requests.
  histogram() {
    const buckets = new Map()
    return (req, res) => {
      const bucket = Math.floor(Math.random() * 128)
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + next() / 3)
      answer(res)
    }
  },
  // Clients of a rate limiter: 256 of them, each with its last 10 times.
  rateLimiter() {
    const clients = new Map()
    return (req, res) => {
      const client = `10.0.0.${Math.floor(Math.random() * 256)}`
      const times = clients.get(client) ?? []
      if (times.length > 2) times.shift()
      clients.set(client, [...times, Date.now()])
      answer(res)
    }
  },
  // Doubles up to 512 entries, reached after 512 requests.
  doubling() {
    let ring = new Array(16)
    let used = 0
    return (req, res) => {
      if (used === ring.length && ring.length < 512) ring = [...ring, ...new Array(ring.length)]
      ring[used % ring.length] = item(next())
      used += 1
      answer(res)
    }
  },
  // Jobs by priority; a timer works them off each 50 ms.
  priorityQueue() {
    const queue = []
    setInterval(() => queue.splice(0), 50).unref()
    return (req, res) => {
      queue.push({ priority: Math.random(), job: item(next()) })
      queue.sort((a, b) => a.priority - b.priority)
      answer(res)
    }
  },
})
