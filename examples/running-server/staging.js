import { createServer } from 'node:http'

// Stands for a service that somebody else has deployed.
export default async function () {
  const server = createServer((_request, response) => response.end('ok'))
  await new Promise((resolve, reject) => server.once('error', reject).listen(4321, '127.0.0.1', resolve))
  return () => new Promise((resolve) => server.close(resolve).closeAllConnections())
}
