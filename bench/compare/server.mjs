// The four kinds of servers of the comparison bench: `node server.mjs KIND WORK_FACTOR EXTRA_WAIT_MS`. PORT and HOST come from outside.
import { createServer } from 'node:http'

const [kind = 'json', factor = '1', wait = '0'] = process.argv.slice(2)
const port = Number(process.env.PORT)
const host = process.env.HOST ?? '127.0.0.1'

const scale = Number(factor)
// The work of `json` is in proportion to its rows; of the others, to the steps of a loop.
const ROWS = Array.from({ length: Math.round(400 * scale) }, (_, id) => ({
  id,
  name: `item ${id}`,
  price: (id * 37) % 1_000,
  tags: ['a', 'b', 'c'],
}))
const TEXT = JSON.stringify(ROWS)

/** CPU in proportion to `amount`. */
function burn(amount) {
  let sum = 0
  for (let step = 0; step < amount; step += 1) sum = (sum * 31 + step) % 1_000_003
  return sum
}

function json() {
  const parsed = JSON.parse(TEXT)
  let total = 0
  for (let round = 0; round < 3; round += 1) for (const row of parsed) total += row.price * round
  return JSON.stringify({ total, rows: parsed.slice(0, 20) })
}

const base = { json: 0, tiny: 30_000, fastify: 40_000, io: 30_000 }[kind]

function work() {
  burn(base * scale)
  return kind === 'json' ? json() : JSON.stringify({ ok: true, kind })
}

async function answer() {
  if (kind === 'io') await new Promise((resolve) => setTimeout(resolve, 10 + Number(wait)))
  return work()
}

if (kind === 'fastify') {
  const { default: fastify } = await import('fastify')
  const app = fastify()
  app.get('/health', async () => 'ok')
  app.get('/', async (_request, reply) => reply.type('application/json').send(await answer()))
  await app.listen({ port, host })
} else {
  createServer(async (request, response) => {
    const body = request.url === '/health' ? 'ok' : await answer()
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
    response.end(body)
  }).listen(port, host)
}
process.on('SIGTERM', () => process.exit(0))
