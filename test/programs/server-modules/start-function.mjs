import { createServer } from 'node:http'
export default ({ port, host, signal }) => {
  const server = createServer((_request, response) => response.end('start-function'))
  signal.addEventListener('abort', () => {
    console.log('asked to end')
    server.close()
  })
  server.listen(port, host)
}
