// cluster of 2 with a FIFO cache of 400 entries of 1 KB in each
import cluster from 'node:cluster'
import { serve } from './serve.mjs'
if (cluster.isPrimary) {
  cluster.fork()
  cluster.fork()
  process.on('SIGTERM', () => {
    for (const w of Object.values(cluster.workers)) w.kill()
    process.exit(0)
  })
} else {
  const fifo = []
  let n = 0
  serve((req, res) => {
    fifo.push({ id: ++n, body: Buffer.alloc(1000, String(n)).toString('latin1') })
    if (fifo.length > 400) fifo.shift()
    res.end('cached')
  })
}
