// A shop with log-in, cookies and one route that asks its database once for each line.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

const items = Array.from({ length: 200 }, (_, id) => ({ id: `i${id}`, name: `Item ${id}`, price: 5 + (id % 50) }))
const byId = new Map(items.map((item) => [item.id, item]))
/** Session to what its user has bought. */
const sessions = new Map()

/** A query of a database that is a millisecond away. */
async function query(read) {
  await delay(1)
  return read()
}

const ROUTES = {
  async 'POST /login'({ body }, response) {
    const { name, password } = JSON.parse(body)
    if (password !== `${name}-secret`) return response.writeHead(401).end()
    const session = randomUUID()
    sessions.set(session, [])
    response.setHeader('set-cookie', `session=${session}; Path=/; HttpOnly`)
    return { token: Buffer.from(name).toString('base64') }
  },
  async 'GET /items'({ search }) {
    const page = Number(search.get('page') ?? 1)
    return { items: await query(() => items.slice((page - 1) * 10, page * 10)) }
  },
  async 'GET /items/:id'({ id }, response) {
    const item = await query(() => byId.get(id))
    return item ?? response.writeHead(404).end()
  },
  async 'POST /orders'({ body, bought }) {
    const order = { id: randomUUID(), lines: JSON.parse(body).lines }
    bought.push(order)
    return { id: order.id }
  },
  // One query for the order, and one more for each of its lines: the N+1.
  async 'GET /orders/:id'({ id, bought }) {
    const order = await query(() => bought.find((candidate) => candidate.id === id))
    const lines = []
    for (const line of order.lines) lines.push({ ...line, item: await query(() => byId.get(line.id)) })
    return { id, lines, total: lines.reduce((sum, { item, count }) => sum + item.price * count, 0) }
  },
}

async function readBody(request) {
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}

createServer(async (request, response) => {
  const { pathname, searchParams: search } = new URL(request.url, 'http://shop')
  if (pathname === '/health') return response.end('ok')
  const [, collection, id] = pathname.split('/')
  const route = ROUTES[`${request.method} /${collection}${id === undefined ? '' : '/:id'}`]
  if (!route) return response.writeHead(404).end()
  const bought = sessions.get(/session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1])
  if (!bought && pathname !== '/login') return response.writeHead(401).end()
  const answer = await route({ id, search, bought, body: await readBody(request) }, response)
  if (response.writableEnded) return
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(answer))
}).listen(process.env.PORT, process.env.HOST)
