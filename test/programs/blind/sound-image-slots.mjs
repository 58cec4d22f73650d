// 64 thumbnails of 20 to 60 KB (Buffers), replaced in turn
import { serve } from './serve.mjs'
const slots = new Array(64)
let n = 0
serve((req, res) => {
  slots[++n % 64] = Buffer.alloc(20_000 + ((n * 7919) % 40_000), n & 255)
  res.end('thumb')
})
