import Fastify from 'fastify'
const app = Fastify()
app.get('/*', async () => 'fastify-instance')
app.addHook('onClose', async () => console.log('fastify closed'))
export default app
