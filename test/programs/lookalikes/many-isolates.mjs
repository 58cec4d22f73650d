// Sound servers of several threads, processes and frameworks.
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { serveVariant } from '../serve-variant.mjs'

const file = fileURLToPath(import.meta.url)
const variant = process.argv[2]

if (!isMainThread) {
  const recent = new Map()
  parentPort.on('message', (id) => {
    recent.set(id, { id, list: new Array(50).fill(id) })
    if (recent.size > 400) recent.delete(recent.keys().next().value)
    parentPort.postMessage(id)
  })
} else if (variant === 'cluster' && cluster.isPrimary) {
  cluster.fork()
  cluster.fork()
} else if (variant === 'express') {
  const { default: express } = await import('express')
  const app = express()
  app.use(express.json())
  app.get('/health', (req, res) => void res.send('ok'))
  app.get('/{*path}', (req, res) => void res.json({ path: req.path, ok: true }))
  app.listen(Number(process.env.PORT), '127.0.0.1')
} else if (variant === 'fastify') {
  const { default: fastify } = await import('fastify')
  const app = fastify()
  app.get('/health', async () => 'ok')
  app.get('/*', async (req) => ({ url: req.url, ok: true }))
  await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
} else {
  serveVariant({
    cluster: () => (req, res) => res.end('{"ok":true}'),
    worker() {
      const worker = new Worker(file)
      const waiting = new Map()
      let id = 0
      worker.on('message', (done) => {
        waiting.get(done).end('{"ok":true}')
        waiting.delete(done)
      })
      return (req, res) => {
        waiting.set((id += 1), res)
        worker.postMessage(id)
      }
    },
    'worker-each': () => (req, res) => {
      if (Math.random() > 0.02) return res.end('{"ok":true}')
      const worker = new Worker('require("node:worker_threads").parentPort.postMessage(1)', { eval: true })
      worker.once('message', () => res.end('{"ok":true}'))
    },
  })
}
