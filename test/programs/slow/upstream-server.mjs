import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(import.meta.url)

/** Starts a server in a process of its own, without the probe, that answers after so many milliseconds. Resolves with its port. */
export function startUpstream(delay) {
  const child = fork(file, [String(delay)], { execArgv: [], env: { PATH: process.env.PATH } })
  return new Promise((resolve) => child.once('message', resolve))
}

if (process.argv[1] === file) {
  const delay = Number(process.argv[2])
  const server = createServer((request, response) => setTimeout(() => response.end('{"stock":3}'), delay))
  server.listen(0, '127.0.0.1', () => process.send(server.address().port))
  process.on('disconnect', () => process.exit())
}
