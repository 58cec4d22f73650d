// Leaks as teams write them by mistake, in the heap of the main isolate. First run when the rule was fixed.
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter, once } from 'node:events'
import { PassThrough } from 'node:stream'
import { serveVariant } from '../serve-variant.mjs'

const answer = (res) => res.end('{"ok":true}')
let requests = 0
const next = () => (requests += 1)

serveVariant({
  // A promise for each user, never evicted.
  memoPromise() {
    const users = new Map()
    const load = async (id) => ({ id, name: `user ${id}`, roles: ['reader'] })
    return async function loadUser(req, res) {
      const id = next()
      if (!users.has(id)) users.set(id, load(id))
      await users.get(id)
      answer(res)
    }
  },
  // 56 bytes, and its place in the array: the least that 15 seconds at 400 requests a second must show.
  sixtyFour() {
    const seen = []
    return function noteNumbers(req, res) {
      seen.push({ id: next(), status: 200, attempt: 1, shard: requests % 8 })
      answer(res)
    }
  },
  // A handler is added to the chain at each request; all of them run, so only every 5th adds one.
  middleware() {
    const chain = []
    return function addMiddleware(req, res) {
      if (next() % 5 === 0) chain.push((context) => (context.user = req.headers.host))
      const context = {}
      for (const handler of chain.slice(-20)) handler(context)
      answer(res)
    }
  },
  // A WeakMap that a list beside it keeps alive.
  weakDefeated() {
    const notes = new WeakMap()
    const seen = []
    return function noteRequest(req, res) {
      const key = { at: Date.now() }
      notes.set(key, { url: req.url, tags: [1, 2, 3] })
      seen.push(key)
      answer(res)
    }
  },
  // Waits for an event that never comes.
  onceNever() {
    const bus = new EventEmitter().setMaxListeners(0)
    return function awaitEvent(req, res) {
      void once(bus, 'ready')
      answer(res)
    }
  },
  // Evicts by a key that is never the one stored.
  brokenLru() {
    const cache = new Map()
    return function cachePage(req, res) {
      const id = next()
      cache.set(`page:${id}`, { body: 'x'.repeat(30), id })
      if (cache.size > 100) cache.delete(id - 100)
      answer(res)
    }
  },
  // Ids of all requests ever, against duplicates; about 60 bytes each.
  dedupe() {
    const known = new Set()
    return function rejectDuplicates(req, res) {
      known.add(next() * 1.5)
      known.add(`${requests}-${requests * 7}`)
      answer(res)
    }
  },
  // The small closure that is kept shares its context with the large value that is not used.
  sharedContext() {
    const callbacks = []
    return function keepCallback(req, res) {
      const report = new Array(200).fill(next())
      const id = requests
      const size = () => report.length
      callbacks.push(() => id)
      res.end(String(size()))
    }
  },
  // A logger with the fields of each request, in its parent's list of children.
  childLogger() {
    const root = { fields: {}, children: [] }
    const child = (fields) => {
      const logger = { fields: { ...root.fields, ...fields }, children: [], parent: root }
      root.children.push(logger)
      return logger
    }
    return function logRequest(req, res) {
      child({ id: next(), url: req.url })
      answer(res)
    }
  },
  // Promise.race adds reactions to the one that never settles.
  race() {
    const shutdown = new Promise(() => {})
    return async function raceShutdown(req, res) {
      await Promise.race([shutdown, Promise.resolve(next())])
      answer(res)
    }
  },
  // Streams that are created, registered for metrics, and never ended.
  streams() {
    const open = new Set()
    return function openStream(req, res) {
      if (next() % 5 === 0) open.add(new PassThrough())
      answer(res)
    }
  },
  // An audit log in one ever longer text, flattened each time it is looked at.
  concatenation() {
    let log = ''
    return function appendLog(req, res) {
      log += `${next()} ${req.method} ${req.url} from ${req.headers.host} at ${Date.now()}: ok, nothing to report; `
      if (requests % 100 === 0) log = log.normalize()
      res.end(String(log.length))
    }
  },
  // Templates cached by what they were filled with.
  templates() {
    const compiled = {}
    return function renderTemplate(req, res) {
      const source = `Hello ${next()}`
      compiled[source] ??= { source, parts: source.split(' '), render: () => source }
      res.end(compiled[source].render())
    }
  },
  marks() {
    return function markRequest(req, res) {
      performance.mark(`request-${next()}`, { detail: { url: req.url } })
      answer(res)
    }
  },
  eventTarget() {
    const target = new EventTarget()
    return function listenToTarget(req, res) {
      target.addEventListener('change', () => req.url)
      answer(res)
    }
  },
  // A copy of the configuration for each request, kept for 'debugging'.
  clones() {
    const config = { limits: Array.from({ length: 20 }, (_, id) => ({ id, max: id * 2 })) }
    const snapshots = []
    return function snapshotConfig(req, res) {
      snapshots.push(structuredClone(config))
      answer(res)
    }
  },
  // Only errors are kept, and only every 20th request is one: 20 KB each.
  rareErrors() {
    const failed = []
    return function keepFailed(req, res) {
      if (next() % 20 !== 0) return answer(res)
      failed.push({ error: new Error('upstream'), body: new Array(2_500).fill(requests) })
      res.statusCode = 500
      res.end('failed')
    }
  },
  // In bursts: 50 entries at each 50th request.
  bursts() {
    const flushed = []
    let batch = []
    return function flushBatch(req, res) {
      batch.push({ id: next(), url: req.url, at: new Date() })
      if (batch.length === 50) {
        flushed.push(batch)
        batch = []
      }
      answer(res)
    }
  },
  // The store of each request, kept by a timer that is never cleared.
  context() {
    const storage = new AsyncLocalStorage()
    return function runInContext(req, res) {
      storage.run({ id: next(), user: { name: 'somebody', groups: ['a', 'b'] } }, () => {
        setTimeout(() => storage.getStore(), 3_600_000).unref()
        answer(res)
      })
    }
  },
  symbols() {
    const registry = {}
    return function registerSymbol(req, res) {
      registry[Symbol(`request ${next()}`)] = requests
      answer(res)
    }
  },
  // FinalizationRegistry whose held value is the object itself.
  finalization() {
    const registry = new FinalizationRegistry(() => {})
    return function registerForCleanup(req, res) {
      const job = { id: next(), steps: ['read', 'write'] }
      registry.register(job, { job })
      answer(res)
    }
  },
})
