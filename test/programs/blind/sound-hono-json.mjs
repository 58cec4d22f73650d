// hono: parses and re-serialises ~60 KB of JSON on every request
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
const text = JSON.stringify(
  Array.from({ length: 600 }, (_, i) => ({ id: i, name: `product ${i}`, tags: ['a', 'b'], price: i * 1.1 })),
)
const app = new Hono()
app.get('/health', (c) => c.text('ok'))
app.get('/work', (c) => {
  const rows = JSON.parse(text)
  rows.sort((a, b) => b.price - a.price)
  return c.json(rows.filter((r) => r.id % 2))
})
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
