// fastify: a session per request that expires after 1.5 s, swept every 500 ms
import Fastify from 'fastify'
import { randomUUID } from 'node:crypto'
const sessions = new Map()
setInterval(() => {
  const now = Date.now()
  for (const [id, s] of sessions) if (s.expires < now) sessions.delete(id)
}, 500)
const app = Fastify()
app.addHook('onRequest', async (req) => {
  const id = randomUUID()
  sessions.set(id, {
    id,
    expires: Date.now() + 1500,
    user: { name: 'x', roles: ['a', 'b'] },
    history: new Array(50).fill(req.url),
  })
})
app.get('/health', async () => 'ok')
app.get('/work', async () => ({ active: sessions.size }))
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
