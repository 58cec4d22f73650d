import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import getPort from 'get-port'

const CONNECTIONS = 10

/** A server with parts of a profile, and connections on which requests are sent to it. */
export class BenchServer {
  static async start(program, parts) {
    const port = await getPort()
    const child = spawn(process.execPath, [fileURLToPath(new URL('server.mjs', import.meta.url))], {
      env: { ...process.env, PROGRAM: program, PORT: String(port), HOST: '127.0.0.1' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const server = new BenchServer(child, port, parts)
    for (;;) {
      try {
        for (let count = server.sockets.length; count < CONNECTIONS; count += 1) server.sockets.push(await open(port))
        return server
      } catch (error) {
        if (error.code !== 'ECONNREFUSED') throw error
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }

  sockets = []

  constructor(child, port, parts) {
    this.child = child
    this.parts = parts
    this.request = `GET /orders HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
  }

  async startParts() {
    this.child.send(this.parts)
    await once(this.child, 'message')
  }

  /** Sends so many requests, each connection the next one after an answer. */
  run(requests) {
    return new Promise((resolve) => {
      let [sent, answered] = [0, 0]
      const send = (socket) => {
        if (sent === requests) return
        sent += 1
        socket.write(this.request)
      }
      for (const socket of this.sockets) {
        socket.removeAllListeners('data')
        socket.on('data', () => {
          answered += 1
          if (answered === requests) resolve()
          else send(socket)
        })
        send(socket)
      }
    })
  }

  /** Milliseconds that its main thread has run on a processor. */
  processorTime() {
    const [running] = readFileSync(`/proc/${this.child.pid}/task/${this.child.pid}/schedstat`, 'utf8').split(' ')
    return Number(running) / 1e6
  }

  async stop() {
    for (const socket of this.sockets) socket.destroy()
    this.child.kill('SIGKILL')
    await once(this.child, 'exit')
  }
}

async function open(port) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket.setNoDelay(true)
}
