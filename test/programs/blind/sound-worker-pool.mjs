// two worker threads; buffers are transferred there and back
import { Worker } from 'node:worker_threads'
import { serve } from './serve.mjs'
const workers = [0, 1].map(
  () =>
    new Worker(
      `
  const { parentPort } = require('node:worker_threads')
  const recent = new Map()
  parentPort.on('message', ({ id, buffer }) => {
    const view = new Uint8Array(buffer); let sum = 0
    for (const b of view) sum = (sum * 31 + b) >>> 0
    recent.set(id % 100, { id, sum, at: new Date() })
    parentPort.postMessage({ id, sum, buffer }, [buffer])
  })`,
      { eval: true },
    ),
)
const waiting = new Map()
for (const w of workers)
  w.on('message', ({ id, sum }) => {
    waiting.get(id)?.end(String(sum))
    waiting.delete(id)
  })
let n = 0
serve((req, res) => {
  const id = ++n
  waiting.set(id, res)
  const buffer = new ArrayBuffer(1000 + (id % 7) * 3000)
  workers[id % 2].postMessage({ id, buffer }, [buffer])
})
