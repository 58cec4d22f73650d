// analytics: rows of ~1.5 KB flushed as JSON every 450 rows
import { serve } from './serve.mjs'
let rows = []
let flushed = 0
serve((req, res) => {
  rows.push({
    at: new Date(),
    url: req.url,
    headers: { ...req.headers },
    samples: Array.from({ length: 100 }, Math.random),
  })
  if (rows.length >= 450) {
    flushed += JSON.stringify(rows).length
    rows = []
  }
  res.end(String(flushed))
})
