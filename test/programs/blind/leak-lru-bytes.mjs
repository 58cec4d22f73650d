// byte-bounded LRU that adds sizes in characters but subtracts them in bytes x2: bound is never reached (~600 B)
import { serve } from './serve.mjs'
class ByteLru {
  used = 0
  items = new Map()
  constructor(max) {
    this.max = max
  }
  set(key, value) {
    this.items.set(key, value) // LEAK
    this.used += value.length
    if (this.used > this.max) {
      const [oldest, old] = this.items.entries().next().value
      this.items.delete(oldest)
      this.used -= old.length * 200
    }
  }
}
const cache = new ByteLru(40_000)
let n = 0
function renderPage(id) {
  return Buffer.from(`<li>${id}</li>`.repeat(40)).toString('latin1') // LEAK
}
serve((req, res) => {
  const id = ++n
  const page = renderPage(id)
  cache.set(`page:${id}`, page)
  res.end(page.slice(0, 20))
})
