// an eval worker indexes documents and keeps every token list (~500 B in a worker's heap)
import { Worker } from 'node:worker_threads'
import { serve } from './serve.mjs'
const worker = new Worker(
  `
  const { parentPort } = require('node:worker_threads')
  const index = []
  function indexDocument(text) { const tokens = text.split(' ').map((t) => ({ t, w: t.length })); index.push(tokens); return tokens.length } // LEAK
  parentPort.on('message', ({ id, text }) => parentPort.postMessage({ id, size: indexDocument(text) }))
`,
  { eval: true },
)
const waiting = new Map()
worker.on('message', ({ id, size }) => {
  waiting.get(id)?.end(String(size))
  waiting.delete(id)
})
let n = 0
serve((req, res) => {
  const id = ++n
  waiting.set(id, res)
  worker.postMessage({ id, text: `doc ${id} has a few words to index today` })
})
