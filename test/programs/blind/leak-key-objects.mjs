// KeyObject per token id kept for ever
import { createSecretKey, createHmac } from 'node:crypto'
import { serve } from './serve.mjs'
const keys = new Map()
let n = 0
function keyFor(kid) {
  let key = keys.get(kid)
  if (!key) keys.set(kid, (key = createSecretKey(Buffer.from(`secret of ${kid}`.padEnd(32, '.'))))) // LEAK
  return key
}
serve((req, res) =>
  res.end(
    createHmac('sha256', keyFor(`kid-${++n}`))
      .update('token')
      .digest('hex'),
  ),
)
