// URL.createObjectURL(new Blob()) without revoke: report downloads (2 KB outside the heap)
import { serve } from './serve.mjs'
let n = 0
function publishReport(id) {
  const blob = new Blob([Buffer.alloc(2_000, id & 255)], { type: 'text/csv' }) // LEAK
  return URL.createObjectURL(blob) // LEAK
}
serve((req, res) => res.end(publishReport(++n)))
