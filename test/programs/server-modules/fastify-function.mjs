import Fastify from 'fastify'
export default async ({ port, host }) => {
  const app = Fastify()
  app.get('/*', async () => 'fastify-function')
  app.addHook('onClose', async () => console.log('fastify closed'))
  await app.listen({ port, host })
  return app
}
