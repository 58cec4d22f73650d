// event sourcing: one write in 10 stores a full snapshot of a 30-field aggregate; compaction filters on the wrong field
import { serve } from './serve.mjs'
let snapshots = []
let n = 0
const aggregate = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`field${i}`, i + 0.5]))
function snapshot(version) {
  snapshots.push({ version, state: structuredClone(aggregate), at: new Date() }) // LEAK
  if (snapshots.length % 50 === 0) snapshots = snapshots.filter((s) => s.versoin !== version)
}
serve((req, res) => {
  if (++n % 10 === 0) snapshot(n)
  aggregate[`field${n % 30}`] += 1
  res.end('stored')
})
