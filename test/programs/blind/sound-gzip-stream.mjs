// streams a generated body through createGzip to the response
import { Readable, pipeline } from 'node:stream'
import { createGzip } from 'node:zlib'
import { serve } from './serve.mjs'
function* rows() {
  for (let i = 0; i < 100; i += 1) yield `row ${i} ${Math.random()}\n`
}
serve((req, res) => {
  pipeline(Readable.from(rows()), createGzip({ level: 1 }), res, () => {})
})
