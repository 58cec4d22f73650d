// A server whose work is done in a thread of a cluster worker: FACTOR of it.
import cluster from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

if (!isMainThread) {
  const steps = 500_000 * Number(process.env.FACTOR ?? 1)
  parentPort.on('message', () => {
    let sum = 0
    for (let step = 0; step < steps; step += 1) sum = (sum * 31 + step) % 1_000_003
    parentPort.postMessage(sum)
  })
} else if (cluster.isPrimary) {
  for (let worker = 0; worker < 2; worker += 1) cluster.fork()
  process.on('SIGTERM', () => process.exit(0))
} else {
  const thread = new Worker(new URL(import.meta.url))
  const waiting = []
  thread.on('message', (sum) => waiting.shift()(sum))
  await once(thread, 'online')
  createServer((request, response) => {
    if (request.url === '/health') return response.end('ok')
    waiting.push((sum) => response.end(String(sum).padStart(8)))
    thread.postMessage('work')
  }).listen(Number(process.env.PORT), process.env.HOST)
}
