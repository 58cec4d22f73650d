// Puts the real server into the background and exits.
import { spawn } from 'node:child_process'
spawn(process.execPath, [new URL('./server-ok.mjs', import.meta.url).pathname], {
  detached: true,
  stdio: 'ignore',
}).unref()
