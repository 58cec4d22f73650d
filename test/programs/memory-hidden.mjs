// Servers of which a watch cannot see everything.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { serveVariant } from './serve-variant.mjs'

const kept = []

serveVariant({
  // A thread that is parked for good, as idle threads of some pools are.
  parked: () => {
    const park = `setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 300)`
    // Its probe has greeted by then.
    new Worker(park, { eval: true }).unref()
    return (_, res) => res.end('ok')
  },
  // What is kept hangs on the connection: it is gone when the load closes that.
  socket: () => (req, res) => {
    const seen = { url: req.url, at: new Date(), headers: { ...req.headers } }
    req.socket.setMaxListeners(0)
    req.socket.once('close', function forget() {
      kept.push(seen.url)
      kept.length = 0
    })
    res.end('ok')
  },
  served: () => {
    process.on('disconnect', () => process.exit())
    return (_, res) => res.end('ok')
  },
  // The server is a child with an environment of its own.
  child: () => {
    const { PORT, PATH } = process.env
    const script = fileURLToPath(import.meta.url)
    spawn(process.execPath, [script, 'served'], { env: { PORT, PATH }, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  },
})
