import { serve } from './serve.mjs'

const catalogue = Array.from({ length: 8_000 }, (_, id) => ({
  id,
  name: `item ${id}`,
  tags: ['a', 'b', 'c'],
  price: id * 1.5,
}))
const text = JSON.stringify(catalogue)

function loadCatalogue() {
  return JSON.parse(text)
}

serve(() => ({ count: loadCatalogue().length }))
