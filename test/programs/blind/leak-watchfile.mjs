// fs.watchFile(config) per request: listeners on one StatWatcher
import { watchFile } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { serve } from './serve.mjs'
const file = fileURLToPath(import.meta.url)
function loadSettings(tenant) {
  const settings = { tenant, flags: [1, 2, 3], loadedAt: Date.now() } // LEAK
  watchFile(file, { interval: 60_000 }, () => {
    settings.flags = []
  }) // LEAK
  return settings
}
process.removeAllListeners('warning')
process.on('warning', () => {})
let n = 0
serve((req, res) => res.end(JSON.stringify(loadSettings(++n))))
