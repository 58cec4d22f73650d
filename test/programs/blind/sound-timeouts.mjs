// a 2 s deadline timer per request, cleared in half of the cases, that closes over a 2 KB payload
import { serve } from './serve.mjs'
let late = 0
serve((req, res) => {
  const payload = new Array(250).fill(Math.random())
  const timer = setTimeout(() => {
    late += payload.length
  }, 2_000)
  setImmediate(() => {
    if (Math.random() < 0.5) clearTimeout(timer)
    res.end('done')
  })
})
