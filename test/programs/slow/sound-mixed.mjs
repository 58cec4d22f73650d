import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { serve } from './serve.mjs'

const page = '<li>item</li>'.repeat(120)
const etag = () => createHash('sha1').update(page).digest('hex')
const compressed = () => gzipSync(page.slice(0, 600)).length
const cards = () => Array.from({ length: 120 }, (_, id) => `<li>${id}</li>`).join('')
const search = () => page.indexOf('<li>item</li>', 700)
const words = () => page.slice(0, 800).split('<li>').length
const model = () => JSON.parse(JSON.stringify({ a: [1, 2, 3], b: { c: 'x'.repeat(200) } }))

serve(() => ({
  etag: etag(),
  size: compressed(),
  cards: cards().length,
  search: search(),
  words: words(),
  model: model(),
}))
