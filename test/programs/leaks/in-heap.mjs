// Servers that keep something of every request in the JavaScript heap.
import { EventEmitter } from 'node:events'
import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import { Agent } from 'node:http'
import { serveVariant } from '../serve-variant.mjs'

const answer = (res) => res.end('{"ok":true}')
let requests = 0

serveVariant({
  array() {
    const history = []
    return function rememberInArray(req, res) {
      history.push({ url: req.url, at: new Date(), tags: ['a', `b${history.length}`] })
      answer(res)
    }
  },
  map() {
    const byId = new Map()
    return function rememberInMap(req, res) {
      requests += 1
      byId.set(`request-${requests}`, { url: req.url, headers: { ...req.headers } })
      answer(res)
    }
  },
  closure() {
    let last = () => 0
    return function chainClosures(req, res) {
      const before = last
      const payload = new Array(12).fill(requests)
      last = () => (payload.length > 100 ? before() : payload[0])
      answer(res)
    }
  },
  listener() {
    const bus = new EventEmitter().setMaxListeners(0)
    return function listenForEver(req, res) {
      bus.on('change', () => res.writableEnded)
      answer(res)
    }
  },
  timer() {
    return function startTimer(req, res) {
      const state = { url: req.url, checks: 0 }
      setInterval(() => (state.checks += 1), 60_000).unref()
      answer(res)
    }
  },
  pending() {
    const waiting = new Set()
    return function waitForNothing(req, res) {
      const work = new Promise((resolve) => waiting.add(resolve))
      void work.then(() => req.url)
      answer(res)
    }
  },
  session() {
    const sessions = Object.create(null)
    return function createSession(req, res) {
      requests += 1
      sessions[`s${requests.toString(36)}`] = { user: requests, seen: Date.now() }
      answer(res)
    }
  },
  slice() {
    const names = []
    return function keepSlice(req, res) {
      const page = `${Math.random()}`.repeat(40)
      names.push(page.slice(3, 40))
      answer(res)
    }
  },
  abort() {
    const shutdown = new AbortController()
    return function followShutdown(req, res) {
      const request = new AbortController()
      shutdown.signal.addEventListener('abort', () => request.abort())
      answer(res)
    }
  },
  'async-hook'() {
    const contexts = new Map()
    const storage = new AsyncLocalStorage()
    createHook({
      init(id, type) {
        if (type === 'Timeout') contexts.set(id, storage.getStore()) // and no `destroy`
      },
    }).enable()
    return function traceRequest(req, res) {
      storage.run({ url: req.url, trace: new Array(20).fill(requests) }, () => setTimeout(() => answer(res), 1))
    }
  },
  label() {
    const counters = new Map()
    return function countByLabel(req, res) {
      requests += 1
      const label = JSON.stringify({ route: req.url, user: requests })
      counters.set(label, (counters.get(label) ?? 0) + 1)
      answer(res)
    }
  },
  memo() {
    const memo = {}
    const square = (key) => (memo[key] ??= { key, result: [key.length ** 2, key] })
    return function memoizeRequest(req, res) {
      requests += 1
      square(`${req.url}?${requests}`)
      answer(res)
    }
  },
  tenth() {
    const failed = []
    return function rememberTenth(req, res) {
      requests += 1
      if (requests % 10 === 0) failed.push(new Array(250).fill(requests))
      answer(res)
    }
  },
  errors() {
    const log = []
    return function logError(req, res) {
      log.push(new Error(`failed: ${req.url}`))
      answer(res)
    }
  },
  agent() {
    const agents = []
    return function agentPerRequest(req, res) {
      agents.push(new Agent({ keepAlive: true }))
      answer(res)
    }
  },
  small() {
    const kept = []
    return function keepSmall(req, res) {
      kept.push({ a: requests, b: kept.length * 1.5, c: requests, d: requests + 0.5 })
      answer(res)
    }
  },
  queue() {
    const queue = []
    setInterval(() => queue.splice(0, 10), 50) // falls behind at more than 200 requests/s
    return function enqueueJob(req, res) {
      queue.push({ url: req.url, headers: req.rawHeaders.slice(), at: new Date() })
      answer(res)
    }
  },
  tree() {
    const root = { children: new Map() }
    return function growTree(req, res) {
      requests += 1
      let node = root
      for (const key of [requests % 7, requests % 61, requests]) {
        if (!node.children.has(key)) node.children.set(key, { parent: node, children: new Map() })
        node = node.children.get(key)
      }
      answer(res)
    }
  },
  'slow-timeout'() {
    return function forgetTooLate(req, res) {
      const body = { url: req.url, rows: new Array(20).fill(requests) }
      setTimeout(() => body.rows.length, 3_600_000).unref()
      answer(res)
    }
  },
  'sticky-then'() {
    const never = new Promise(() => {})
    return function waitForShutdown(req, res) {
      void never.then(() => req.url)
      answer(res)
    }
  },
  request() {
    const seen = []
    return function keepEveryFifth(req, res) {
      requests += 1
      if (requests % 5 === 0) seen.push(req)
      answer(res)
    }
  },
  bytes() {
    const chunks = new Map()
    return function keepText(req, res) {
      requests += 1
      chunks.set(requests, Buffer.from(`${requests}`.padStart(200, '-')).toString('latin1'))
      answer(res)
    }
  },
})
