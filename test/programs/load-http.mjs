// An HTTP server that counts what it serves, and tells its parent when asked. PORT 0 picks a free port.
import http from 'node:http'

const counts = {
  received: 0,
  answered: 0,
  methods: {},
  paths: {},
  bodies: [],
  headers: {},
  arrivals: [],
  took: [],
  connections: 0,
}
// In the middle of every STALL_EVERY ms no answer is given for STALL_FOR ms; those that came then are answered at its end.
const stallEvery = Number(process.env.STALL_EVERY ?? 0)
const stallFor = Number(process.env.STALL_FOR ?? 0)
let firstArrival = 0

function stallLeft(now) {
  if (stallEvery === 0) return 0
  const into = ((now - firstArrival) % stallEvery) - stallEvery / 2
  return into >= 0 && into < stallFor ? stallFor - into : 0
}

function answer(request, response, url) {
  const [, route, value] = url.pathname.split('/')
  if (route === 'status') response.statusCode = Number(value)
  if (route === 'chunked') {
    response.write('first part')
    return setImmediate(() => response.end('second part'))
  }
  if (route === 'early') {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
    response.writeProcessing()
  }
  if (route === 'hang') return
  if (route === 'slow') return setTimeout(() => response.end('slow'), Number(value))
  if (route === 'flaky' && counts.received % 4 === 0) response.statusCode = 503
  response.end(route === 'empty' ? '' : 'hello')
}

const server = http.createServer((request, response) => {
  const now = Date.now()
  firstArrival ||= now
  counts.received += 1
  if (counts.arrivals.length < 100_000) counts.arrivals.push(performance.timeOrigin + performance.now())
  counts.methods[request.method] = (counts.methods[request.method] ?? 0) + 1
  counts.paths[request.url] = (counts.paths[request.url] ?? 0) + 1
  counts.headers = request.headers
  const began = performance.now()
  response.on('finish', () => {
    counts.answered += 1
    if (counts.took.length < 100_000) counts.took.push([performance.timeOrigin + began, performance.now() - began])
  })
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', () => {
    if (counts.bodies.length < 10) counts.bodies.push(Buffer.concat(parts).toString())
    const wait = stallLeft(now)
    const url = new URL(request.url, 'http://host')
    if (wait > 0) setTimeout(() => answer(request, response, url), wait)
    else answer(request, response, url)
  })
})
server.keepAliveTimeout = 60_000
server.on('connection', () => (counts.connections += 1))
server.listen(Number(process.env.PORT ?? 0), process.env.HOST ?? '127.0.0.1', () => {
  process.send({ port: server.address().port })
})
process.on('message', () => process.send(counts))
process.on('disconnect', () => process.exit())
