// Sound servers whose memory rises for a while, or up and down.
import { gzipSync } from 'node:zlib'
import { serveVariant } from '../serve-variant.mjs'

const answer = (res) => res.end('{"ok":true}')
const payload = (id) => ({ id, at: new Date(), list: new Array(40).fill(id), text: `${id}-`.repeat(30) })
const since = Date.now()
let requests = 0

serveVariant({
  plain: () => (req, res) => answer(res),
  churn: () => (req, res) => res.end(JSON.stringify(Array.from({ length: 400 }, (_, id) => ({ id, name: `n${id}` })))),
  lru() {
    const cache = new Map()
    return (req, res) => {
      requests += 1
      cache.set(requests, payload(requests))
      if (cache.size > 500) cache.delete(cache.keys().next().value)
      answer(res)
    }
  },
  ring() {
    const lines = new Array(1_000)
    return (req, res) => {
      requests += 1
      lines[requests % 1_000] = payload(requests)
      answer(res)
    }
  },
  lazy() {
    const templates = new Map()
    return (req, res) => {
      const name = Math.min(300, Math.floor((Date.now() - since) / 8))
      if (!templates.has(name)) templates.set(name, new Function('x', `return x + ${name} + '${'t'.repeat(500)}'`))
      templates.get(name)(1)
      answer(res)
    }
  },
  batch() {
    let batch = []
    return (req, res) => {
      batch.push(payload(batch.length))
      if (batch.length >= 350) batch = []
      answer(res)
    }
  },
  buffers: () => (req, res) => {
    const body = Buffer.alloc(64 * 1024, 'x')
    res.end(body.subarray(0, 100))
  },
  ttl() {
    const cache = new Map()
    return (req, res) => {
      requests += 1
      const key = requests
      cache.set(key, payload(key))
      setTimeout(() => cache.delete(key), 1_500)
      answer(res)
    }
  },
  pool() {
    const idle = []
    return (req, res) => {
      const connection = idle.pop() ?? { scratch: Buffer.alloc(32 * 1024), queries: [] }
      connection.queries = [req.url]
      setTimeout(() => {
        idle.push(connection)
        answer(res)
      }, Math.random() * 10)
    }
  },
  intern() {
    const names = new Map()
    return (req, res) => {
      const key = `user-${Math.floor(Math.random() * 300)}`
      if (!names.has(key)) names.set(key, payload(key))
      answer(res)
    }
  },
  staged() {
    const tables = []
    for (const delay of [1_000, 2_000, 3_000])
      setTimeout(() => tables.push(new Array(100_000).fill(delay + 0.5)), delay)
    return (req, res) => answer(res)
  },
  timeout: () => (req, res) => {
    const state = payload(requests)
    setTimeout(() => state.id, 1_000)
    answer(res)
  },
  sweep() {
    const sessions = new Map()
    setInterval(() => {
      for (const [key, { at }] of sessions) if (Date.now() - at > 1_000) sessions.delete(key)
    }, 1_000)
    return (req, res) => {
      requests += 1
      sessions.set(requests, payload(requests))
      answer(res)
    }
  },
  weak() {
    const meta = new WeakMap()
    const registry = new FinalizationRegistry(() => {})
    return (req, res) => {
      meta.set(req, payload(requests))
      registry.register(req, req.url)
      answer(res)
    }
  },
  fragments() {
    const slots = new Array(300)
    return (req, res) => {
      slots[Math.floor(Math.random() * 300)] = 'x'.repeat(Math.random() * 8_000) + Math.random()
      answer(res)
    }
  },
  shapes: () => (req, res) => {
    requests += 1
    const shape = {}
    for (let key = 0; key < requests % 60; key += 1) shape[`k${key}_${requests % 13}`] = key
    res.end(JSON.stringify(shape))
  },
  gzip: () => (req, res) => res.end(gzipSync(JSON.stringify(payload(requests)))),
  wave() {
    let held = []
    setInterval(() => {
      const size = Math.round(1_500 * (1 + Math.sin(Date.now() / 500)))
      held = Array.from({ length: size }, (_, id) => payload(id))
    }, 100)
    return (req, res) => res.end(`{"held":${held.length}}`)
  },
  log() {
    let lines = []
    setInterval(() => (lines = []), 2_000)
    return (req, res) => {
      lines.push(`${new Date().toISOString()} ${req.method} ${req.url} ${Math.random()}`)
      answer(res)
    }
  },
  'long-ttl'() {
    const cache = new Map()
    return (req, res) => {
      requests += 1
      const key = requests
      cache.set(key, payload(key))
      setTimeout(() => cache.delete(key), 4_000)
      answer(res)
    }
  },
  'slow-fill'() {
    const cache = new Map()
    return (req, res) => {
      requests += 1
      cache.set(requests % 1_600, payload(requests))
      answer(res)
    }
  },
  stages() {
    const tables = []
    for (const delay of [800, 2_500, 3_700, 5_100, 6_000]) {
      setTimeout(() => tables.push(Array.from({ length: 8_000 }, (_, id) => ({ id }))), delay)
    }
    return (req, res) => answer(res)
  },
  'slow-saw'() {
    let rows = []
    setInterval(() => (rows = []), 3_300)
    return (req, res) => {
      rows.push(payload(rows.length))
      answer(res)
    }
  },
  compile: () => (req, res) => {
    requests += 1
    const compiled = new Function('x', `return x * ${requests} + '${requests}'`)
    res.end(String(compiled(2)))
  },
  regexp() {
    const routes = Array.from({ length: 400 }, (_, id) => `/work/${id}(?:/(?<id>\\d+))?`)
    return (req, res) => {
      requests += 1
      res.end(String(new RegExp(routes[requests % 400]).test(`${req.url}/${requests}`)))
    }
  },
})
