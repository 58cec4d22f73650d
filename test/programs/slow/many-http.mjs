import { serve } from './serve.mjs'
import { startUpstream } from './upstream-server.mjs'

const port = await startUpstream(2)

async function stockOf(id) {
  const answer = await fetch(`http://127.0.0.1:${port}/stock/${id}`)
  return (await answer.json()).stock
}

serve(async () => {
  const stock = []
  for (let id = 1; id <= 15; id += 1) stock.push(await stockOf(id))
  return stock
})
