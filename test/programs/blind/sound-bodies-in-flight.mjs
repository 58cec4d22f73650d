// bodies of 10 KB to 1 MB in flight for 5 to 150 ms
import { serve } from './serve.mjs'
serve((req, res) => {
  const body = Buffer.alloc(10_000 + Math.floor(Math.random() ** 6 * 1_000_000), 1)
  setTimeout(() => res.end(body.subarray(0, 64)), 5 + Math.random() * 145)
})
