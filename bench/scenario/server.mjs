// A server that costs little: five routes of JSON, in a process of its own.
import { createServer } from 'node:http'

const list = JSON.stringify({
  items: Array.from({ length: 20 }, (_, id) => ({ id: `i${id}`, name: `Item ${id}`, price: id })),
})
const item = JSON.stringify({ id: 'i1', name: 'Item 1', price: 3, tags: ['a', 'b'] })

let count = 0
const server = createServer((request, response) => {
  count += 1
  request.resume()
  response.setHeader('content-type', 'application/json')
  response.end(request.url.startsWith('/items?') ? list : item)
}).listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', () => process.send({ count }))
process.on('disconnect', () => process.exit())
