// Speaks HTTPS (argv 2 `https`), HTTP/2 over TLS (`h2`) or HTTP/2 without TLS (`h2c`) alone.
import { readFileSync } from 'node:fs'
import { createSecureServer, createServer as createH2c } from 'node:http2'
import { createServer } from 'node:https'

const file = (name) => readFileSync(new URL(`load-tls/${name}`, import.meta.url))
const certificate = { key: file('key.pem'), cert: file('cert.pem') }
const listener = (_request, response) => response.end('secure')
const kinds = {
  https: () => createServer(certificate, listener),
  h2: () => createSecureServer(certificate, listener),
  h2c: () => createH2c(listener),
}
kinds[process.argv[2]]().listen(Number(process.env.PORT), process.env.HOST, () => console.log('up'))
