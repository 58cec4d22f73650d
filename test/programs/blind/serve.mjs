import { createServer } from 'node:http'
export function serve(handler) {
  return createServer((req, res) => {
    if (req.url === '/health') return res.end('ok')
    return handler(req, res)
  }).listen(Number(process.env.PORT), '127.0.0.1')
}
