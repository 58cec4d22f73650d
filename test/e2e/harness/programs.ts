/** A small healthy server, as a user has one. */
export const HEALTHY_SERVER = `
import { createServer } from 'node:http'
const server = createServer((request, response) => {
  if (request.url === '/slow') return void setTimeout(() => response.end('slow'), 200)
  if (request.url === '/fail') { response.statusCode = 500; return response.end('no') }
  if (request.url === '/hang') return
  if (request.url === '/env') return response.end(JSON.stringify(process.env))
  if (request.url === '/crash') { console.log('about to crash'); process.exit(7) }
  response.end('ok')
})
server.listen(process.env.PORT, process.env.HOST, () => console.log('listening on', process.env.PORT))
`

/** Listens, and never answers. */
export const SILENT_SERVER = `
import { createServer } from 'node:http'
createServer(() => {}).listen(process.env.PORT, process.env.HOST, () => console.log('listening, but silent'))
`
