import { createServer } from 'node:http'
import { withTax } from '../tax/tax.js'

createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ price: withTax(100), currency: process.env.CURRENCY }))
}).listen(Number(process.env.PORT), process.env.HOST)
