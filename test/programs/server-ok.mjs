// A well-behaved server. `/env` tells its environment, `/pid` its pid, `/slow` never answers, `/exit?7` exits, `/block` blocks for ever.
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  const [path, query] = request.url.split('?')
  if (path === '/env') return response.end(JSON.stringify(process.env))
  if (path === '/pid') return response.end(String(process.pid))
  if (path === '/slow') return undefined
  if (path === '/status') return response.writeHead(Number(query)).end()
  if (path === '/exit') {
    console.error(`exiting with ${query}`)
    return process.exit(Number(query))
  }
  if (path === '/segv') return process.kill(process.pid, 'SIGSEGV')
  if (path === '/block') for (;;);
  return response.end('ok')
})
server.listen(Number(process.env.PORT), process.env.HOST, () => console.log(`listening on ${process.env.PORT}`))
