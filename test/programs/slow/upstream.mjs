import { get } from 'node:http'
import { serve } from './serve.mjs'
import { startUpstream } from './upstream-server.mjs'

const port = await startUpstream(80)

function quote() {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/quotes/eur?day=1' }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve({ ok: true }))
    }).on('error', reject)
  })
}

serve(() => quote())
