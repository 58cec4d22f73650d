import Fastify from 'fastify'
export default async () => {
  const app = Fastify()
  app.get('/*', async () => 'fastify-factory')
  return app
}
