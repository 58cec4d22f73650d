// AbortSignal.any([request, shutdown]) with an abort listener that closes over the request's rows, never aborted
import { serve } from './serve.mjs'
const shutdown = new AbortController()
async function query(signal, rows) {
  signal.addEventListener('abort', () => rows.clear()) // LEAK
  return rows.size
}
serve(async function listOrders(req, res) {
  const own = new AbortController()
  const signal = AbortSignal.any([own.signal, shutdown.signal]) // LEAK
  res.end(String(await query(signal, new Set(['a', 'b', 'c'])))) // LEAK
})
