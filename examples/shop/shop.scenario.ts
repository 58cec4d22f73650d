import type { VirtualUser } from 'vitest-plugin-perf'

interface Data {
  accounts: { name: string; password: string }[]
}
interface Item {
  id: string
  name: string
  price: number
}

/** Once for each virtual user, before its first iteration. The cookie that the shop sets stays with the user. */
export async function start(user: VirtualUser<Data>): Promise<void> {
  const account = user.take('accounts')
  const answer = await user.post('/login', { json: account, expectStatus: 200 })
  user.headers.authorization = `Bearer ${answer.json<{ token: string }>().token}`
}

/** Looks at a page, thinks, and looks at one of its items. */
export async function browse(user: VirtualUser<Data>): Promise<void> {
  const item = await findItem(user)
  user.check('has a price', item.price > 0)
}

/** Looks for some items, orders them, and looks at the order. */
export async function buy(user: VirtualUser<Data>): Promise<void> {
  const lines = []
  for (let line = 0; line < 8; line += 1) lines.push({ id: `i${user.integer(0, 199)}`, count: user.integer(1, 3) })
  const order = await user.post('/orders', { json: { lines } })
  const { id } = order.json<{ id: string }>()
  const answer = await user.get(`/orders/${id}`, { name: 'GET /orders/:id' })
  const { total } = answer.json<{ total: number }>()
  user.check('has a total', total > 0)
}

async function findItem(user: VirtualUser<Data>): Promise<Item> {
  const page = await user.get('/items', { query: { page: user.integer(1, 20) } })
  await user.think(20, 60)
  const { id } = user.pick(page.json<{ items: Item[] }>().items)
  const answer = await user.get(`/items/${id}`, { name: 'GET /items/:id' })
  return answer.json<Item>()
}
