// Listens on a port of its own choice, which it prints, and not on the one it was given.
import { createServer } from 'node:http'
const server = createServer((_request, response) => response.end('ok'))
server.listen(0, '127.0.0.1', () => console.log(`mine is ${server.address().port}`))
