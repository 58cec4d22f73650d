import { createServer } from 'node:http'
import { Readable } from 'node:stream'

// Answers of 256 MB, one megabyte at a time.
const CHUNKS = 256
const chunk = Buffer.alloc(1024 * 1024, 'x')

const server = createServer((request, response) => {
  if (request.url === '/small') return response.end('ok')
  response.setHeader('Content-Length', String(CHUNKS * chunk.length))
  Readable.from(Array.from({ length: CHUNKS }, () => chunk)).pipe(response)
})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
