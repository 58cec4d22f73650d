// req.socket.once('close') per request on keep-alive sockets: closures pile up with the connection (~300 B)
import { serve } from './serve.mjs'
let open = 0
serve(function handle(req, res) {
  open += 1
  const meta = { started: process.hrtime(), path: req.url, tags: ['a', 'b'] } // LEAK
  req.socket.setMaxListeners(0)
  req.socket.once('close', () => {
    open -= meta.tags.length
  }) // LEAK
  res.end('x')
})
