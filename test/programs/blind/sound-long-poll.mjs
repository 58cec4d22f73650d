// long polls of up to 200 ms subscribed to an emitter and unsubscribed
import { EventEmitter, once } from 'node:events'
import { serve } from './serve.mjs'
const bus = new EventEmitter().setMaxListeners(0)
setInterval(() => bus.emit('news', { at: Date.now(), items: new Array(100).fill('n') }), 200)
serve(async (req, res) => {
  const [news] = await once(bus, 'news')
  res.end(String(news.items.length))
})
