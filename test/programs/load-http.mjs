// An HTTP server that counts what it serves, and tells its parent when asked. PORT 0 picks a free port.
import http from 'node:http'

const counts = { received: 0, answered: 0, headers: {} }

function answer(request, response) {
  const [, route, value] = new URL(request.url, 'http://host').pathname.split('/')
  if (route === 'hang') return
  if (route === 'slow') return setTimeout(() => response.end('slow'), Number(value))
  if (route === 'flaky' && counts.received % 4 === 0) response.statusCode = 503
  response.end('hello')
}

const server = http.createServer((request, response) => {
  counts.received += 1
  counts.headers = request.headers
  response.on('finish', () => (counts.answered += 1))
  request.resume().on('end', () => answer(request, response))
})
server.keepAliveTimeout = 60_000
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', () => process.send(counts))
process.on('disconnect', () => process.exit())
