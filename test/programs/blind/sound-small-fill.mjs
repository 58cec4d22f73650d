// a small-object cache of 1800 entries (~200 B), full at request 1800 (56 %)
import Fastify from 'fastify'
const cache = new Map()
let n = 0
const app = Fastify()
app.get('/health', async () => 'ok')
app.get('/work', async () => {
  const id = ++n
  cache.set(id, { id, etag: `"${id}"`, at: Date.now() })
  if (cache.size > 1800) cache.delete(id - 1800)
  return { size: cache.size }
})
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
