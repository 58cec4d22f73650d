// a PerformanceObserver per request, one request in 4, never disconnected
import { PerformanceObserver } from 'node:perf_hooks'
import { serve } from './serve.mjs'
let n = 0
function observe(id) {
  const seen = []
  const observer = new PerformanceObserver((list) => seen.push(...list.getEntries(), id)) // LEAK
  observer.observe({ entryTypes: ['measure'] }) // LEAK
}
serve((req, res) => {
  if (++n % 4 === 0) observe(n)
  res.end('observed')
})
