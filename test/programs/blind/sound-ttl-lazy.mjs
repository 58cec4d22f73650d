// express TTL cache of 1 s with a sweeper every 2 s (a sawtooth of up to 1200 entries)
import express from 'express'
const cache = new Map()
setInterval(() => {
  const now = Date.now()
  for (const [k, v] of cache) if (v.until < now) cache.delete(k)
}, 2_000)
let n = 0
const app = express()
app.get('/health', (req, res) => res.send('ok'))
app.get('/work', (req, res) => {
  cache.set(++n, { until: Date.now() + 1000, html: `<p>${n}</p>`.repeat(60) + Math.random() })
  res.send(String(cache.size))
})
app.listen(Number(process.env.PORT), '127.0.0.1')
