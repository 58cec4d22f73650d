// fastify; ORM-like unit of work whose identity map is a singleton: every order with its lines stays (~700 B)
import Fastify from 'fastify'
class OrderLine {
  constructor(order, sku, qty) {
    this.order = order
    this.sku = sku
    this.qty = qty
  }
  get name() {
    return this.sku
  }
}
class Order {
  constructor(id) {
    this.id = id
    this.lines = [1, 2, 3].map((n) => new OrderLine(this, `sku-${id}-${n}`, n)) // LEAK
    this.dirty = new Set()
  }
  names() {
    return this.lines.map((line) => line.name)
  }
}
class EntityManager {
  identity = new Map()
  find(type, id) {
    const key = `${type.name}:${id}`
    let found = this.identity.get(key)
    if (!found) this.identity.set(key, (found = new type(id))) // LEAK
    return found
  }
}
const em = new EntityManager()
let next = 0
const app = Fastify()
app.get('/health', async () => 'ok')
app.get('/work', async () => {
  const order = em.find(Order, ++next)
  return { id: order.id, lines: order.names() }
})
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
