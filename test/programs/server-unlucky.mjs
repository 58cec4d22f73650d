// Finds its first port taken: says EADDRINUSE as a real collision would, then has luck. The argument is a counter file.
import { appendFileSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
const [counter, mode] = process.argv.slice(2)
appendFileSync(counter, `${process.env.PORT}\n`)
if (readFileSync(counter, 'utf8').trim().split('\n').length > 1) await import('./server-ok.mjs')
else {
  const port = Number(process.env.PORT)
  const first = createServer().listen(port, process.env.HOST, () => {
    const second = createServer()
    if (mode === 'stay') second.on('error', (error) => (first.close(), console.error(error.message)))
    if (mode === 'stay') setInterval(() => {}, 1_000)
    second.listen(port, process.env.HOST)
  })
}
