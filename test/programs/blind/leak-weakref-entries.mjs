// Map<string, WeakRef>: the values die, keys and WeakRefs stay
import { serve } from './serve.mjs'
const cache = new Map()
let n = 0
function remember(key, value) {
  cache.set(key, new WeakRef(value)) // LEAK
}
serve((req, res) => {
  const id = ++n
  const value = { id, body: 'x'.repeat(100) + id }
  remember(`document/${id}`, value)
  res.end(value.body)
})
