// one request in 10 opens an upstream TCP connection that is never closed
import { connect, createServer } from 'node:net'
import { serve } from './serve.mjs'
const upstream = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
let n = 0
function openUpstream() {
  const socket = connect(upstream.address().port, '127.0.0.1') // LEAK
  socket.write('HELLO')
}
serve((req, res) => {
  if (++n % 10 === 0) openUpstream()
  res.end('proxied')
})
