import { serve } from './serve.mjs'

const recent = []

function buildRows() {
  const rows = []
  for (let id = 0; id < 15_000; id += 1) rows.push({ id, parent: { id }, list: [id] })
  return rows
}

serve(() => {
  recent.push(buildRows())
  if (recent.length > 8) recent.shift()
  return { rows: recent.length }
})
