// Sound servers whose memory is in other isolates or processes. First run when the rule was fixed.
import { fork } from 'node:child_process'
import cluster from 'node:cluster'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { serveVariant } from '../serve-variant.mjs'

const here = fileURLToPath(import.meta.url)
const answer = (res) => res.end('{"ok":true}')
let requests = 0

/** Answers each message, and remembers the last 200. */
function answerMessages(port, send) {
  const last = []
  port.on('message', (message) => {
    last.push(message)
    if (last.length > 200) last.shift()
    send({ id: message.id, result: message.input.length })
  })
}

/** Sends each request to one of several; what waits for an answer is in flight. */
function ask(members) {
  const waiting = new Map()
  for (const member of members) {
    member.on('message', ({ id, result }) => {
      waiting.get(id)?.end(String(result))
      waiting.delete(id)
    })
  }
  return (req, res) => {
    const id = (requests += 1)
    waiting.set(id, res)
    const member = members[id % members.length]
    const message = { id, input: `input of ${id}` }
    if (member.postMessage) member.postMessage(message)
    else member.send(message)
  }
}

const variants = {
  pool: () => ask([new Worker(here, { argv: ['pool'] }), new Worker(here, { argv: ['pool'] })]),
  child() {
    const child = fork(here, ['child-role'])
    process.on('exit', () => child.kill())
    return ask([child])
  },
  streams: () => (req, res) => Readable.from(Array.from({ length: 20 }, (_, part) => `part ${part} `)).pipe(res),
  // Buffers from a pool of 50 that is filled by the first ones in flight.
  bufferPool() {
    const free = []
    return (req, res) => {
      const buffer = free.pop() ?? Buffer.alloc(16_384)
      setTimeout(() => {
        if (free.length < 50) free.push(buffer)
        answer(res)
      }, 5)
    }
  },
  // The last 256 bodies, 4 KB each.
  bodyRing() {
    const ring = new Array(256)
    return (req, res) => {
      ring[(requests += 1) % 256] = Buffer.alloc(4_096, requests % 256)
      answer(res)
    }
  },
}

if (process.argv[2] === 'child-role') {
  answerMessages(process, (message) => process.send(message))
  process.on('disconnect', () => process.exit())
} else if (!isMainThread) {
  answerMessages(parentPort, (message) => parentPort.postMessage(message))
} else if (process.argv[2] === 'primary') {
  // Two cluster workers, each with a cache of 200.
  if (cluster.isPrimary) {
    for (let count = 0; count < 2; count += 1) cluster.fork()
  } else {
    process.on('disconnect', () => process.exit())
    const cache = new Map()
    serveVariant({
      primary: () => (req, res) => {
        cache.set((requests += 1), { url: req.url, at: Date.now() })
        if (cache.size > 200) cache.delete(cache.keys().next().value)
        answer(res)
      },
    })
  }
} else {
  serveVariant(variants)
}
