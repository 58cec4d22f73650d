// interns tag names: 1000 possible, Zipf-like, so the last ones come late but are few
import { serve } from './serve.mjs'
const interned = new Map()
const intern = (s) => {
  const known = interned.get(s)
  if (known) return known
  interned.set(s, s)
  return s
}
serve((req, res) => {
  const tags = Array.from({ length: 8 }, () => intern(`tag-name-${Math.floor(1000 * Math.random() ** 3)}`))
  res.end(tags.join())
})
