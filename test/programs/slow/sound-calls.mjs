import { serve } from './serve.mjs'
import { startUpstream } from './upstream-server.mjs'

const port = await startUpstream(0)

serve(async () => {
  await fetch(`http://127.0.0.1:${port}/flags`).then((answer) => answer.text())
  return { ok: true }
})
