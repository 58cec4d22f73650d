// Holds a server the way a Vitest worker does. Arguments: how (`main`, `fork`, `thread`), what it does then (`wait`, `block`,
// `terminate`), the command of the server.
import { fork } from 'node:child_process'
import { isMainThread, Worker } from 'node:worker_threads'

const [how, then, command] = process.argv.slice(2)
const self = new URL(import.meta.url)

if (how === 'fork' && !process.send) {
  const worker = fork(self.pathname, process.argv.slice(2), { stdio: 'inherit' })
  console.log(`WORKER ${worker.pid}`)
  setInterval(() => {}, 1_000)
} else if (how === 'thread' && isMainThread) {
  const worker = new Worker(self, { argv: process.argv.slice(2) })
  if (then === 'terminate') worker.once('message', () => setTimeout(() => worker.terminate(), 200))
  setInterval(() => {}, 1_000)
} else {
  const { startServer } = await import('../../dist/server/start.js')
  const { watchdogPid } = await import('../../dist/lifecycle/watchdog.js')
  const { parentPort } = await import('node:worker_threads')
  const server = await startServer({ command, health: { timeout: 15_000 } })
  process._rawDebug(`UP ${server.port} ${watchdogPid()}`)
  parentPort?.postMessage('up')
  if (then === 'block' || then === 'terminate') for (;;);
  setInterval(() => {}, 1_000)
}
