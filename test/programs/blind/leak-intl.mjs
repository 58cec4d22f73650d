// Intl.NumberFormat cached under a key with the tenant's random id in it
import { serve } from './serve.mjs'
const formats = new Map()
let n = 0
function formatterFor(tenant, digits) {
  const key = `${tenant}/${digits}`
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat('en-US', { minimumFractionDigits: digits })) // LEAK
  return formats.get(key)
}
serve((req, res) => res.end(formatterFor(`tenant-${++n}`, n % 4).format(n / 7)))
