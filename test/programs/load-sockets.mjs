// A server on bare sockets that answers every request correctly and then treats the connection in one way (BEHAVIOUR):
// keep, close (announced), fin / rst (unannounced, after AFTER answers), eof (a body that ends with the connection), http10,
// hang (never answers), slam (closes at once), garbage (no HTTP), length304 (304 with a length), head (HEAD with a length),
// half (its AFTERth body is cut off), late-close (announces the end on its AFTERth answer).
import net from 'node:net'

const behaviour = process.env.BEHAVIOUR ?? 'keep'
const after = Number(process.env.AFTER ?? 1)
const delay = Number(process.env.DELAY ?? 0)
const counts = { received: 0, answered: 0, connections: 0, open: 0, arrivals: [] }
const BODY = 'hello'
const head = (...lines) => ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n')
const PLAIN = `${head(`Content-Length: ${BODY.length}`)}${BODY}`
const CLOSE = `${head('Connection: close', `Content-Length: ${BODY.length}`)}${BODY}`

function reply(socket, state) {
  if (socket.destroyed || state.over) return
  state.answers += 1
  counts.answered += 1
  switch (behaviour) {
    case 'close':
      state.over = true
      return socket.end(CLOSE)
    case 'late-close':
      if (state.answers < after) return socket.write(PLAIN)
      state.over = true
      return socket.end(CLOSE)
    case 'fin':
      if (state.answers < after) return socket.write(PLAIN)
      state.over = true
      return socket.end(PLAIN)
    case 'rst':
      if (state.answers < after) return socket.write(PLAIN)
      state.over = true
      return socket.write(PLAIN, () => setTimeout(() => socket.resetAndDestroy(), 5))
    case 'eof':
      state.over = true
      return socket.end(`${head()}${BODY}`)
    case 'http10':
      state.over = true
      return socket.end(`HTTP/1.0 200 OK\r\n\r\n${BODY}`)
    case 'garbage':
      return socket.write('I am no web server\r\n\r\n')
    case 'half':
      if (state.answers < after) return socket.write(PLAIN)
      state.over = true
      counts.answered -= 1
      return socket.end(`${head('Content-Length: 500')}${BODY}`)
    case 'length304':
      return socket.write('HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n')
    case 'head':
      return socket.write(head('Content-Length: 500'))
    case 'hang':
      counts.answered -= 1
      return undefined
    default:
      return socket.write(PLAIN)
  }
}

const server = net.createServer((socket) => {
  counts.connections += 1
  counts.open += 1
  const state = { answers: 0, over: false }
  let seen = ''
  socket.setNoDelay(true)
  socket.on('error', () => {})
  socket.on('close', () => (counts.open -= 1))
  if (behaviour === 'slam') return socket.destroy()
  socket.on('data', (chunk) => {
    seen += chunk.toString('latin1')
    for (let end = seen.indexOf('\r\n\r\n'); end !== -1; end = seen.indexOf('\r\n\r\n')) {
      seen = seen.slice(end + 4)
      counts.received += 1
      if (counts.arrivals.length < 100_000) counts.arrivals.push(performance.timeOrigin + performance.now())
      if (delay > 0) setTimeout(() => reply(socket, state), delay)
      else reply(socket, state)
    }
  })
})
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', () => process.send(counts))
process.on('disconnect', () => process.exit())
