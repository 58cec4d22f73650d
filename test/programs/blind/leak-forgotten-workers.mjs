// one request in 200 starts a worker thread for a report and never terminates it (a whole isolate each)
import { Worker } from 'node:worker_threads'
import { serve } from './serve.mjs'
let n = 0
function startReport() {
  const worker = new Worker(
    'const { parentPort } = require("node:worker_threads"); const rows = Array.from({ length: 5000 }, (_, i) => ({ i, n: `row ${i}` })); parentPort.on("message", () => parentPort.postMessage(rows.length))',
    { eval: true },
  ) // LEAK
  worker.postMessage('go')
}
serve((req, res) => {
  if (++n % 200 === 0) startReport()
  res.end('queued')
})
