// a ticker stream is piped into a PassThrough per request that is never unpiped or read; one request in 8 (~ 2.5 KB each)
import { PassThrough } from 'node:stream'
import { serve } from './serve.mjs'
const ticker = new PassThrough()
ticker.setMaxListeners(0)
let n = 0
function followTicker() {
  const copy = new PassThrough({ highWaterMark: 16 }) // LEAK
  ticker.pipe(copy) // LEAK
  return copy
}
serve((req, res) => {
  if (++n % 8 === 0) followTicker()
  res.end('subscribed')
})
