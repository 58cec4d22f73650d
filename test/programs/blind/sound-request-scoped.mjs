// everything in AsyncLocalStorage: container, logger, identity map per request; several awaits
import Koa from 'koa'
import { AsyncLocalStorage } from 'node:async_hooks'
const als = new AsyncLocalStorage()
const app = new Koa()
let n = 0
app.use((ctx, next) => als.run({ id: ++n, identity: new Map(), log: [] }, next))
app.use(async (ctx) => {
  if (ctx.path === '/health') return void (ctx.body = 'ok')
  for (let i = 0; i < 10; i += 1) {
    await new Promise(setImmediate)
    als.getStore().identity.set(i, { i, rows: new Array(20).fill(i) })
    als.getStore().log.push(`step ${i}`)
  }
  ctx.body = { id: als.getStore().id, size: als.getStore().identity.size }
})
app.listen(Number(process.env.PORT), '127.0.0.1')
