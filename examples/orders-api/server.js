import Fastify from 'fastify'

const orders = Array.from({ length: 200 }, (_, id) => ({ id, customer: `customer-${id % 40}`, total: 10 + (id % 90) }))
const app = Fastify()
let payments = 0

app.get('/health', () => ({ status: 'ok' }))

app.get('/orders', () => orders.slice(0, 20))

app.get('/orders/:id', (request, reply) => {
  const order = orders[Number(request.params.id)]
  return order ?? reply.code(404).send({ error: 'no such order' })
})

// The slow one: a report that waits for a database.
app.get('/reports/daily', async () => {
  await new Promise((resolve) => setTimeout(resolve, 40))
  return { revenue: orders.reduce((sum, order) => sum + order.total, 0) }
})

// The one that fails at times: every fiftieth payment is declined by the provider.
app.post('/payments', (_request, reply) => {
  payments += 1
  return payments % 50 === 0 ? reply.code(503).send({ error: 'provider unavailable' }) : { accepted: true }
})

const close = () => app.close().then(() => process.exit(0))
process.on('SIGTERM', close)
process.on('SIGINT', close)

await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })
