// LRU bounded at 4 MB of Buffers of 1 to 16 KB
import { serve } from './serve.mjs'
const cache = new Map()
let bytes = 0
let n = 0
serve((req, res) => {
  const body = Buffer.alloc(1000 + Math.floor(Math.random() * 15_000), 3)
  cache.set(++n, body)
  bytes += body.length
  while (bytes > 4 << 20) {
    const [k, b] = cache.entries().next().value
    cache.delete(k)
    bytes -= b.length
  }
  res.end(String(cache.size))
})
