// Serves one of several request handlers: `node file.mjs <variant>`, on PORT of 127.0.0.1, with `/health` beside it.
import { createServer } from 'node:http'

/** @param {Record<string, () => ((req: import('node:http').IncomingMessage, res: import('node:http').ServerResponse) => void) | void>} variants */
export function serveVariant(variants) {
  const make = variants[process.argv[2] ?? '']
  if (!make) {
    console.error(`Expected one of ${Object.keys(variants).join(', ')}, got ${process.argv[2]}`)
    process.exit(2)
  }
  const handle = make()
  // Another process serves.
  if (!handle) return
  createServer((req, res) => (req.url === '/health' ? res.end('ok') : handle(req, res))).listen(
    Number(process.env.PORT ?? 0),
    '127.0.0.1',
    function () {
      console.log(`listening on ${this.address().port}`)
    },
  )
}
