// lazy init by request count: tables of ~1.5 MB are loaded at requests 300, 800, 1300 and 1800
import { serve } from './serve.mjs'
const tables = {}
let n = 0
const load = (name) => (tables[name] ??= Array.from({ length: 15_000 }, (_, i) => ({ i, key: `${name}-${i}` })))
serve((req, res) => {
  n += 1
  if (n > 300) load('countries')
  if (n > 800) load('currencies')
  if (n > 1300) load('taxes')
  if (n > 1800) load('holidays')
  res.end(String(Object.keys(tables).length))
})
