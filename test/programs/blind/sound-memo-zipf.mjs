// memoised promise results with removal on settle plus a result cache of 256 random-evicted entries
import { serve } from './serve.mjs'
import { setTimeout as sleep } from 'node:timers/promises'
const inflight = new Map()
const results = new Map()
async function compute(key) {
  await sleep(3)
  return { key, data: Array.from({ length: 60 }, (_, i) => `${key}:${i}`) }
}
function fetchOnce(key) {
  if (results.has(key)) return results.get(key)
  let p = inflight.get(key)
  if (!p)
    inflight.set(
      key,
      (p = compute(key)
        .then((v) => {
          if (results.size >= 256) {
            const ks = [...results.keys()]
            results.delete(ks[Math.floor(Math.random() * ks.length)])
          }
          results.set(key, v)
          return v
        })
        .finally(() => inflight.delete(key))),
    )
  return p
}
serve(async (req, res) => {
  const v = await fetchOnce(`key${Math.floor(1000 * Math.random())}`)
  res.end(String(v.data.length))
})
