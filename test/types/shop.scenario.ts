import type { VirtualUser } from 'vitest-plugin-perf'

interface Data {
  accounts: { name: string; password: string }[]
  currency: string
}

export async function start(user: VirtualUser<Data>): Promise<void> {
  const account = user.take('accounts')
  const name: string = account.name
  user.headers.authorization = name
  // @ts-expect-error not a list
  user.take('currency')
  // @ts-expect-error not in the data
  user.take('nobody')
}

export async function browse(user: VirtualUser<Data>): Promise<void> {
  const page = await user.get('/items', {
    query: { page: user.integer(1, 20) },
    check: { body: { contains: 'items' } },
  })
  const { items } = page.json<{ items: { id: string }[] }>()
  const id: string = user.pick(items).id
  const kind: 'a' | 'b' = user.weighted({ a: 9, b: 1 })
  user.check(kind, id !== '')
  await user.think(200, 800)
  for await (const { event, data } of await user.events('/feed')) user.check(event, data)
  const socket = await user.webSocket('/chat')
  socket.send('hello')
  for await (const message of socket) user.check('text', typeof message === 'string')
  // @ts-expect-error not a method
  await user.fetch('/items')
  // @ts-expect-error `search` is called `query`
  await user.get('/items', { search: {} })
}

export async function plain(user: VirtualUser): Promise<void> {
  await user.get('/')
}

export const version = 1
