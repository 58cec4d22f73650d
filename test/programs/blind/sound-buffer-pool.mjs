// a pool of 32 KB buffers that grows with concurrency and then stays
import { serve } from './serve.mjs'
const free = []
function acquire() {
  return free.pop() ?? Buffer.alloc(32_768)
}
serve((req, res) => {
  const buffer = acquire()
  buffer.fill(Math.random() * 255)
  setTimeout(() => {
    res.end(buffer.subarray(0, 200).toString('hex'))
    free.push(buffer)
  }, Math.random() * 30)
})
