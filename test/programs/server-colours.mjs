// Prints as dev servers do: in colours, a line in two pieces, a progress that overwrites itself.
import { createServer } from 'node:http'
const server = createServer((_request, response) => response.end('ok'))
server.listen(Number(process.env.PORT), process.env.HOST, () => {
  process.stdout.write('building 10 %\rbuilding 100 %\n')
  process.stdout.write('  \u001B[32m➜\u001B[39m  \u001B[1mLocal\u001B[22m:   \u001B[36mhttp://local')
  setTimeout(() => process.stdout.write(`host:\u001B[1m${process.env.PORT}\u001B[22m/\u001B[39m\n`), 100)
})
