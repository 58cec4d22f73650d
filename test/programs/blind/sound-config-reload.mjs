// re-parses a 300 KB configuration every 700 ms and swaps it
import { serve } from './serve.mjs'
const text = JSON.stringify(Array.from({ length: 4000 }, (_, i) => ({ i, rule: `allow ${i}`, on: true })))
let config = JSON.parse(text)
setInterval(() => {
  config = JSON.parse(text)
}, 700)
serve((req, res) => res.end(config[Math.floor(Math.random() * 4000)].rule))
