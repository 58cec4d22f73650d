// token buckets of 300 random client ips
import { serve } from './serve.mjs'
const buckets = new Map()
function take(ip) {
  let b = buckets.get(ip)
  if (!b) buckets.set(ip, (b = { tokens: 50, at: performance.now(), hits: new Float64Array(16) }))
  b.tokens = Math.min(50, b.tokens + (performance.now() - b.at) / 100) - 1
  b.at = performance.now()
  return b.tokens > 0
}
serve((req, res) => {
  res.statusCode = take(`10.0.0.${Math.floor(Math.random() * 300)}`) ? 200 : 429
  res.end('x')
})
