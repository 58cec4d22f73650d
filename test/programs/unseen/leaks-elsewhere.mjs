// Leaks outside of the main isolate's heap, or of things that hold memory elsewhere. First run when the rule was fixed.
import { fork } from 'node:child_process'
import cluster from 'node:cluster'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { isMainThread, MessageChannel, parentPort, Worker } from 'node:worker_threads'
import { createDeflate } from 'node:zlib'
import { serveVariant } from '../serve-variant.mjs'

const here = fileURLToPath(import.meta.url)
const answer = (res) => res.end('{"ok":true}')
let requests = 0

/** What a worker or a child does with each message: keeps it. */
function keepMessages(port) {
  const kept = new Map()
  port.on('message', (message) => {
    kept.set(kept.size, message)
    if (port.postMessage) port.postMessage(kept.size)
    else process.send(kept.size)
  })
}

const variants = {
  // Jobs sent to a worker, which never forgets their results.
  jobs() {
    const worker = new Worker(here, { argv: ['jobs'] })
    return function sendJob(req, res) {
      worker.postMessage({ id: (requests += 1), input: `input ${requests}`, options: { retries: 3 } })
      answer(res)
    }
  },
  // A child process that remembers what it was told.
  child() {
    const child = fork(here, ['child-role'])
    process.on('exit', () => child.kill())
    return function tellChild(req, res) {
      child.send({ id: (requests += 1), path: req.url, note: 'seen' })
      answer(res)
    }
  },
  typedArrays() {
    const samples = []
    return function keepSamples(req, res) {
      samples.push(new Float64Array(64))
      answer(res)
    }
  },
  shared() {
    const counters = []
    return function shareCounter(req, res) {
      counters.push(new SharedArrayBuffer(1_024))
      answer(res)
    }
  },
  ports() {
    const channels = []
    return function openChannel(req, res) {
      if ((requests += 1) % 4 === 0) channels.push(new MessageChannel())
      answer(res)
    }
  },
  deflaters() {
    const open = []
    return function openDeflater(req, res) {
      if ((requests += 1) % 20 === 0) open.push(createDeflate())
      answer(res)
    }
  },
  hashes() {
    const hashes = []
    return function beginHash(req, res) {
      hashes.push(createHash('sha256').update(req.url))
      answer(res)
    }
  },
  // Bodies as they came, 'to be parsed later'.
  bodies() {
    const bodies = []
    return function keepBody(req, res) {
      bodies.push(Buffer.from(`body of ${(requests += 1)} `.repeat(20)))
      answer(res)
    }
  },
}

if (process.argv[2] === 'child-role') {
  keepMessages(process)
  process.on('disconnect', () => process.exit())
} else if (!isMainThread) {
  keepMessages(parentPort)
} else if (process.argv[2] === 'primary') {
  // Two cluster workers, each with a list.
  if (cluster.isPrimary) {
    for (let count = 0; count < 2; count += 1) cluster.fork()
  } else {
    process.on('disconnect', () => process.exit())
    const list = []
    serveVariant({
      primary: () =>
        function keepInWorker(req, res) {
          list.push({ url: req.url, at: Date.now(), user: { id: list.length } })
          answer(res)
        },
    })
  }
} else {
  serveVariant(variants)
}
