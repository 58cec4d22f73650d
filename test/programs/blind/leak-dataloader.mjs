// a DataLoader that should live as long as a request is a module singleton: its promise cache grows
import Fastify from 'fastify'
class DataLoader {
  cache = new Map()
  queue = []
  constructor(batch) {
    this.batch = batch
  }
  load(key) {
    const cached = this.cache.get(key)
    if (cached) return cached
    const promise = new Promise((resolve) => {
      // LEAK
      if (this.queue.push({ key, resolve }) === 1) process.nextTick(() => this.dispatch())
    })
    this.cache.set(key, promise) // LEAK
    return promise
  }
  dispatch() {
    const jobs = this.queue
    this.queue = []
    this.batch(jobs.map((j) => j.key)).then((rows) => rows.forEach((row, i) => jobs[i].resolve(row)))
  }
}
const users = new DataLoader(async (ids) => ids.map((id) => ({ id, name: `user ${id}`, roles: ['reader'] }))) // LEAK
let n = 0
const app = Fastify()
app.get('/health', async () => 'ok')
app.get('/work', async () => users.load(++n))
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
