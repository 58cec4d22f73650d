// Answers 503 for a while, and hangs the first request.
import { createServer } from 'node:http'
const ready = Date.now() + 400
let requests = 0
createServer((_request, response) => {
  requests += 1
  if (requests === 1) return
  if (Date.now() < ready) response.writeHead(503).end('warming up')
  else response.end(String(requests))
}).listen(Number(process.env.PORT), process.env.HOST)
