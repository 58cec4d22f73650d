// idempotency: every delivered message id (BigInt) goes into a Set (~64 B)
import { serve } from './serve.mjs'
const delivered = new Set()
let n = 0n
function deliver(id) {
  if (delivered.has(id)) return false
  delivered.add(id) // LEAK
  return true
}
serve((req, res) => {
  n += 1n
  res.end(String(deliver((1n << 100n) + n)))
}) // LEAK
