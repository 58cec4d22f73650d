// AbortController per request, linked to the shutdown signal and unlinked afterwards
import { serve } from './serve.mjs'
import { setTimeout as sleep } from 'node:timers/promises'
import { setMaxListeners } from 'node:events'
const shutdown = new AbortController()
setMaxListeners(0, shutdown.signal)
serve(async (req, res) => {
  const own = new AbortController()
  const stop = () => own.abort()
  shutdown.signal.addEventListener('abort', stop, { once: true })
  try {
    await sleep(10, undefined, { signal: own.signal })
    res.end('rows')
  } finally {
    shutdown.signal.removeEventListener('abort', stop)
  }
})
