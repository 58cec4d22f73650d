// each handled error names the previous one as its cause; one request in 10 fails (~1 KB each)
import { serve } from './serve.mjs'
let lastFailure
let n = 0
function recordFailure(id) {
  lastFailure = new Error(`payment ${id} refused`, { cause: lastFailure }) // LEAK
  return lastFailure.stack.length
}
serve((req, res) => res.end(++n % 10 === 0 ? String(recordFailure(n)) : 'paid'))
