// The server that is driven: a plain Node server in a process of its own.
import { createServer } from 'node:http'

const server = createServer((_, response) => response.end('hello world'))
server.keepAliveTimeout = 120_000
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
process.on('disconnect', () => process.exit())
