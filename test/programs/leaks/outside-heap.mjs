// Servers that keep memory where the heap of the main thread does not show it: buffers, worker threads, children.
import cluster from 'node:cluster'
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { serveVariant } from '../serve-variant.mjs'

const answer = (res) => res.end('{"ok":true}')
const file = fileURLToPath(import.meta.url)
const kept = []

const jobs = {
  objects: (id) => kept.push({ id, at: new Date(), steps: [1, 2, id] }),
  buffers: () => kept.push(new ArrayBuffer(512)),
}

if (!isMainThread) {
  parentPort.on('message', (id) => {
    jobs[workerData](id)
    parentPort.postMessage(id)
  })
} else if (process.argv[2] === 'child') {
  process.on('message', (id) => process.send(jobs.objects(id)))
} else if (process.argv[2] === 'cluster' && cluster.isPrimary) {
  cluster.fork()
  cluster.fork()
} else {
  serveVariant({
    buffer: () => (req, res) => {
      kept.push(Buffer.alloc(700))
      answer(res)
    },
    'array-buffer': () => (req, res) => {
      kept.push(new Float64Array(128))
      answer(res)
    },
    worker: () => throughWorker('objects'),
    'worker-buffers': () => throughWorker('buffers'),
    cluster: () => (req, res) => {
      kept.push({ url: req.url, at: new Date(), pid: process.pid, list: [1, 2, 3] })
      answer(res)
    },
    fork: () => {
      const child = fork(file, ['child'])
      let id = 0
      return (req, res) => {
        child.send((id += 1))
        answer(res)
      }
    },
  })
}

function throughWorker(job) {
  const worker = new Worker(file, { workerData: job })
  const waiting = new Map()
  let id = 0
  worker.on('message', (done) => {
    answer(waiting.get(done))
    waiting.delete(done)
  })
  return (req, res) => {
    waiting.set((id += 1), res)
    worker.postMessage(id)
  }
}
