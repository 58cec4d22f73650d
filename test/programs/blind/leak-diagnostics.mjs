// diagnostics_channel subscription per request, never unsubscribed (~200 B)
import dc from 'node:diagnostics_channel'
import { serve } from './serve.mjs'
const channel = dc.channel('app:query')
let n = 0
function traceQueries(requestId) {
  const spans = [requestId, Date.now()] // LEAK
  channel.subscribe((message) => {
    if (message.requestId === requestId) spans.push(message)
  }) // LEAK
  return spans
}
serve((req, res) => {
  const id = ++n
  const spans = traceQueries(`r${id}`)
  res.end(String(spans.length))
})
