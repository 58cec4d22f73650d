/** Five requests, each answer parsed. */
export default async function five(user) {
  const page = await user.get('/items?page=1', { name: 'list' })
  const { id } = user.pick(page.json().items)
  const item = (await user.get(`/items/${id}`, { name: 'item' })).json()
  const cart = (await user.post('/cart', { json: { id, price: item.price } })).json()
  user.check('has an id', cart.id !== undefined)
  ;(await user.get('/cart')).json()
  ;(await user.post('/orders', { json: { id } })).json()
}

/** A request, then a second of thinking. */
export async function thinker(user) {
  await user.get('/cart')
  await user.think(1_000)
}
