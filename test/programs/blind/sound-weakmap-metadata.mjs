// WeakMap metadata, WeakRef cache with FinalizationRegistry that cleans its keys
import { serve } from './serve.mjs'
const meta = new WeakMap()
const cache = new Map()
const registry = new FinalizationRegistry((key) => {
  if (!cache.get(key)?.deref()) cache.delete(key)
})
let n = 0
serve((req, res) => {
  const doc = { id: ++n, body: new Array(100).fill(n) }
  meta.set(req, { doc, started: Date.now() })
  cache.set(`doc${n}`, new WeakRef(doc))
  registry.register(doc, `doc${n}`)
  setTimeout(() => res.end(String(meta.get(req).doc.id)), 5)
})
