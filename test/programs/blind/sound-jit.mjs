// JIT warm-up: 250 generated functions come into use one after the other during the first 1500 requests
import { serve } from './serve.mjs'
const fns = Array.from(
  { length: 250 },
  (_, i) =>
    new Function(
      'a',
      'b',
      `let s = ${i}; for (let k = 0; k < 300; k++) { s += (a[k % a.length].v${i % 20} ?? b) * ${i + 1} % 7; if (s > 1e9) s = ${i} } return s`,
    ),
)
const shapes = Array.from({ length: 20 }, (_, i) => ({ ['v' + i]: i, ['w' + i]: 1 }))
let n = 0
serve((req, res) => {
  const reach = Math.min(250, 1 + Math.floor(++n / 6))
  let sum = 0
  for (let k = 0; k < 8; k += 1) sum += fns[(n * 7 + k * 31) % reach](shapes, n)
  res.end(String(sum))
})
