// `for await (const e of on(bus, 'invalidate'))` is started per request and abandoned (listeners + iterator)
import { EventEmitter, on } from 'node:events'
import { serve } from './serve.mjs'
const bus = new EventEmitter().setMaxListeners(0)
async function watchInvalidations(entry) {
  for await (const [key] of on(bus, 'invalidate')) if (key === entry.key) break // LEAK
  entry.stale = true
}
let n = 0
serve((req, res) => {
  void watchInvalidations({ key: `k${++n}`, stale: false })
  res.end('watching')
})
