// one request in 20 instantiates a WebAssembly.Memory of one page (64 KB) that stays
import { serve } from './serve.mjs'
const sandboxes = []
let n = 0
function openSandbox() {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 }) // LEAK
  new Uint8Array(memory.buffer).fill(7)
  sandboxes.push(memory)
}
serve((req, res) => {
  if (++n % 20 === 0) openSandbox()
  res.end('ran')
})
