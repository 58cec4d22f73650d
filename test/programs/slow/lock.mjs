import { setTimeout as delay } from 'node:timers/promises'
import { serve } from './serve.mjs'

let last = Promise.resolve()

function withLock(work) {
  const next = last.then(work)
  last = next.catch(() => {})
  return next
}

serve(() =>
  withLock(async () => {
    await delay(15)
    return { ok: true }
  }),
)
