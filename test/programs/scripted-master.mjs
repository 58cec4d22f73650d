// Plays the Locust master and its workers, line by line, for tests of the spec's side. SCRIPT: what each worker does.
import { createInterface } from 'node:readline'
import { decode, encode } from '@msgpack/msgpack'

const { workers = [], dies, slow = 0 } = JSON.parse(process.env.SCRIPT ?? '{}')
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)
const report = (from, message) => say({ type: 'message', from, body: Buffer.from(encode(message)).toString('base64') })

if (dies !== undefined) {
  console.error('Traceback: there is no gevent here')
  process.exit(dies)
}
setTimeout(() => {
  say({ type: 'ready', version: 'scripted' })
  for (const [index, worker] of workers.entries()) report(`w${index}`, { type: 'hello', ...worker.hello })
}, slow)
setInterval(() => say({ type: 'beat' }), 500)

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { to, body } = JSON.parse(line)
    if (body === undefined) return
    const request = decode(Buffer.from(body, 'base64'))
    const worker = workers[Number(to.slice(1))]
    if (request.type === 'time') report(to, { type: 'time', at: request.at, machine: 5, wall: Date.now() })
    if (request.type !== 'plan') return
    if (worker.does === 'refuse')
      report(to, { type: 'refused', load: request.load, why: 'A plan without a signature was refused.' })
    if (worker.does === 'go') say({ type: 'gone', worker: to, why: 'closed its connection' })
    if (worker.does === 'kill-master') process.kill(process.pid, 'SIGKILL')
  })
  .on('close', () => process.exit(0))
