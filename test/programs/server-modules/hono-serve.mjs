import { serve } from '@hono/node-server'
import { Hono } from 'hono'
export default ({ port, host }) => {
  const app = new Hono()
  app.get('/*', (context) => context.text('hono-serve'))
  return serve({ fetch: app.fetch, port, hostname: host })
}
