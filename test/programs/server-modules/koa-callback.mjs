import Koa from 'koa'
const app = new Koa()
app.use((context) => {
  context.body = 'koa-callback'
})
export default app.callback()
