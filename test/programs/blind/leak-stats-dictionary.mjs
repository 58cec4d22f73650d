// koa: app-wide stats object gets a key per request id (small: key string + dictionary slot)
import Koa from 'koa'
const app = new Koa()
app.stats = {}
let n = 0
function count(stats, id) {
  stats[`request:${id}:duration`] = id & 1023 // LEAK
}
app.use(async (ctx) => {
  if (ctx.path === '/health') return void (ctx.body = 'ok')
  count(ctx.app.stats, ++n)
  ctx.body = 'counted'
})
app.listen(Number(process.env.PORT), '127.0.0.1')
