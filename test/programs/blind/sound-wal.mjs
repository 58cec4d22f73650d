// write-ahead log compacted into a 200-key snapshot every 400 writes
import { serve } from './serve.mjs'
let wal = []
let snapshot = {}
let n = 0
serve((req, res) => {
  wal.push({ op: 'put', key: `k${++n % 200}`, value: { n, body: `value ${n}`.repeat(20) } })
  if (wal.length >= 400) {
    snapshot = { ...snapshot }
    for (const { key, value } of wal) snapshot[key] = value
    wal = []
  }
  res.end('written')
})
