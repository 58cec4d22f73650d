import { Hono } from 'hono'
const app = new Hono()
app.get('/*', (context) => context.text('hono-app'))
export default app
