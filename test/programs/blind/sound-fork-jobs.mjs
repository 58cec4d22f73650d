// one request in 400 forks a short Node job of half a second
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { serve } from './serve.mjs'
if (process.argv[2] === 'job') {
  const rows = Array.from({ length: 20_000 }, (_, i) => ({ i, s: `row ${i}` }))
  setTimeout(() => {
    process.send(rows.length)
    process.disconnect()
  }, 300)
} else {
  let n = 0
  serve((req, res) => {
    if (++n % 400 === 0) fork(fileURLToPath(import.meta.url), ['job']).on('message', () => {})
    res.end('ok')
  })
}
