// cluster of 3 express workers; the rate limiter keys by ip and millisecond and never sweeps (~250 B)
import cluster from 'node:cluster'
import express from 'express'
if (cluster.isPrimary) {
  for (let i = 0; i < 3; i += 1) cluster.fork()
  process.on('SIGTERM', () => {
    for (const w of Object.values(cluster.workers)) w.kill()
    process.exit(0)
  })
} else {
  const windows = new Map()
  let n = 0
  function limit(req, res, next) {
    const key = `${req.ip}|${Date.now()}|${++n}`
    windows.set(key, { hits: 1, first: Date.now(), tokens: [0.5, 1.5] }) // LEAK
    next()
  }
  const app = express()
  app.get('/health', (req, res) => res.send('ok'))
  app.get('/work', limit, (req, res) => res.json({ ok: true }))
  app.listen(Number(process.env.PORT), '127.0.0.1')
}
