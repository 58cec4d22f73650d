// hono on fetch handler: audit trail trimmed with splice(0, 0)
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
const trail = []
function audit(c) {
  trail.push({
    at: new Date(),
    path: c.req.path,
    ip: c.req.header('host'),
    ua: c.req.header('user-agent') ?? 'none',
    result: { status: 200 },
  }) // LEAK
  if (trail.length > 1000) trail.splice(0, trail.length - trail.length)
}
const app = new Hono()
app.get('/health', (c) => c.text('ok'))
app.get('/work', (c) => {
  audit(c)
  return c.json({ ok: true })
})
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
