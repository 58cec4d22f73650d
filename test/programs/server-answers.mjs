// Answers every request with a status (argv 2) and a body (argv 4); with 200 after so many milliseconds (argv 3).
import { createServer } from 'node:http'

const [status = 404, until = 'never', body = ''] = process.argv.slice(2)
const begin = performance.now()
createServer((_request, response) => {
  const isOver = performance.now() - begin >= Number(until)
  response.writeHead(isOver ? 200 : Number(status)).end(isOver ? 'ok' : body)
}).listen(Number(process.env.PORT), process.env.HOST)
