// koa: L1 of 200 and L2 of 1500 entries of ~400 B; full at request 1700 (53 %)
import Koa from 'koa'
const l1 = new Map()
const l2 = new Map()
function put(key, value) {
  l1.set(key, value)
  if (l1.size > 200) {
    const [k, v] = l1.entries().next().value
    l1.delete(k)
    l2.set(k, v)
    if (l2.size > 1500) l2.delete(l2.keys().next().value)
  }
}
let n = 0
const app = new Koa()
app.use(async (ctx) => {
  if (ctx.path === '/health') return void (ctx.body = 'ok')
  put(++n, { n, tags: [`a${n}`, `b${n}`], score: n / 3, meta: { hits: 0, at: new Date() } })
  ctx.body = String(l2.size)
})
app.listen(Number(process.env.PORT), '127.0.0.1')
