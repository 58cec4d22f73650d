// autocomplete trie filled from a vocabulary of 1500 words by the first 1500 requests
import { serve } from './serve.mjs'
const root = { next: new Map() }
const word = (i) => ((i * 2654435761) >>> 0).toString(36).slice(0, 5)
function add(w) {
  let at = root
  for (const c of w) {
    if (!at.next.has(c)) at.next.set(c, { next: new Map() })
    at = at.next.get(c)
  }
  at.end = true
}
let n = 0
serve((req, res) => {
  add(word(n++ % 1500))
  res.end(String(root.next.size))
})
