import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const file = (name) => readFileSync(new URL(`../load-tls/${name}`, import.meta.url))
export default createServer({ key: file('key.pem'), cert: file('cert.pem') }, (_request, response) =>
  response.end('ok'),
)
