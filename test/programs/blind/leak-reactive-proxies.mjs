// reactive wrappers: a Map (not WeakMap) from raw object to its proxy and dependants
import Koa from 'koa'
const proxies = new Map()
function reactive(raw) {
  let proxy = proxies.get(raw)
  if (!proxy) {
    const deps = new Map()
    proxy = new Proxy(raw, { get: (t, k) => (deps.set(k, (deps.get(k) ?? 0) + 1), t[k]) }) // LEAK
    proxies.set(raw, proxy) // LEAK
  }
  return proxy
}
let n = 0
const app = new Koa()
app.use(async (ctx) => {
  if (ctx.path === '/health') return void (ctx.body = 'ok')
  const state = reactive({ id: ++n, title: `todo ${n}`, done: false }) // LEAK
  ctx.body = `${state.id} ${state.title} ${state.done}`
})
app.listen(Number(process.env.PORT), '127.0.0.1')
