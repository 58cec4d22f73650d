// prometheus-like metrics: 5 methods x 20 routes x 3 statuses, histogram arrays made on first use
import { serve } from './serve.mjs'
const metrics = new Map()
function observe(labels, value) {
  const key = JSON.stringify(labels)
  let h = metrics.get(key)
  if (!h) metrics.set(key, (h = { labels, buckets: new Float64Array(30), sum: 0, count: 0, exemplars: [] }))
  h.buckets[Math.min(29, Math.floor(value * 30))] += 1
  h.sum += value
  h.count += 1
  h.exemplars[h.count % 5] = { value, at: Date.now(), trace: Math.random().toString(36) }
}
const pick = (n) => Math.floor(Math.random() * n)
serve((req, res) => {
  observe({ method: 'M' + pick(5), route: '/r' + pick(20), status: 200 + pick(3) }, Math.random())
  if (Math.random() < 0.01) return res.end(JSON.stringify([...metrics.values()]).slice(0, 100))
  res.end('ok')
})
