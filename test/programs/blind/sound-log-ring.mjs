// ring of the last 1000 log lines of very different lengths
import { serve } from './serve.mjs'
const ring = new Array(1000)
let n = 0
serve((req, res) => {
  const line = Buffer.alloc(50 + Math.floor(Math.random() ** 4 * 8000), `line ${++n} `).toString('latin1')
  ring[n % 1000] = { n, line, at: new Date() }
  res.end('logged')
})
