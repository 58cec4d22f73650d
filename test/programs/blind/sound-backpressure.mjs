// job queue with backpressure: 20 at once, at most 500 waiting, 10-60 ms each
import { serve } from './serve.mjs'
const queue = []
let running = 0
function pump() {
  while (running < 20 && queue.length) {
    const job = queue.shift()
    running += 1
    setTimeout(
      () => {
        running -= 1
        job.res.end(String(job.payload.length))
        pump()
      },
      10 + Math.random() * 50,
    )
  }
}
serve((req, res) => {
  if (queue.length >= 500) {
    res.statusCode = 503
    return res.end()
  }
  queue.push({ res, payload: new Array(500).fill(Math.random()) })
  pump()
})
