import { createServer } from 'node:http'

/** Serves `handle` on PORT: what it returns is the answer. */
export function serve(handle) {
  const server = createServer((request, response) => {
    if (request.url === '/health') return response.end('ok')
    Promise.resolve(handle(request)).then(
      (body) => response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {})),
      (error) => {
        response.statusCode = 500
        response.end(String(error))
      },
    )
  })
  server.listen(Number(process.env.PORT), process.env.HOST)
}
