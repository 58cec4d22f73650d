// A target that keeps a record: listens on the address and port given, and prints what came since the last line, as JSON.
import { createServer } from 'node:http'

const [host, port] = process.argv.slice(2)
let fresh = []
createServer((request, response) => {
  fresh.push([Date.now(), request.socket.remoteAddress])
  response.end('ok')
}).listen(Number(port), host, () => {
  console.log('[]')
  setInterval(() => console.log(JSON.stringify(fresh.splice(0))), 50)
})
