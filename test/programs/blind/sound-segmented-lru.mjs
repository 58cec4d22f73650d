// segmented LRU: probation 300, protected 300; 900 Zipf-like keys of 700 B
import { serve } from './serve.mjs'
const probation = new Map()
const safe = new Map()
function get(key) {
  if (safe.has(key)) {
    const v = safe.get(key)
    safe.delete(key)
    safe.set(key, v)
    return v
  }
  if (probation.has(key)) {
    const v = probation.get(key)
    probation.delete(key)
    safe.set(key, v)
    if (safe.size > 300) {
      const [k, o] = safe.entries().next().value
      safe.delete(k)
      probation.set(k, o)
    }
    return v
  }
  const v = { key, rows: Array.from({ length: 10 }, (_, i) => ({ i, t: `${key}-${i}` })) }
  probation.set(key, v)
  if (probation.size > 300) probation.delete(probation.keys().next().value)
  return v
}
serve((req, res) => res.end(String(get(`k${Math.floor(900 * Math.random() ** 2)}`).rows.length)))
