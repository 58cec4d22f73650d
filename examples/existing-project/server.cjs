const { createServer } = require('node:http')
const { total } = require('./price.cjs')

createServer((request, response) => {
  if (request.url === '/health') return response.end('ok')
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ total: total([{ price: 250, count: 3 }]) }))
}).listen(process.env.PORT, process.env.HOST)
