// koa; AsyncLocalStorage context of each request remembers the one before as its "parent" (~300 B)
import Koa from 'koa'
import { AsyncLocalStorage } from 'node:async_hooks'
const als = new AsyncLocalStorage()
let previous
function openTrace(path) {
  const trace = {
    spanId: Math.random().toString(36),
    path,
    parent: previous,
    tags: { a: 1, b: 2 },
    events: [Date.now() + 0.5],
  } // LEAK
  previous = trace
  return trace
}
const app = new Koa()
app.use((ctx, next) => (ctx.path === '/health' ? (ctx.body = 'ok') : als.run(openTrace(ctx.path), next)))
app.use(async (ctx) => {
  await Promise.resolve()
  ctx.body = { span: als.getStore().spanId }
})
app.listen(Number(process.env.PORT), '127.0.0.1')
