// Has a child, a deaf grandchild in a session of its own, and one that lost its parent.
import { spawn } from 'node:child_process'
process.on('SIGTERM', () => {})
const inherit = { stdio: 'inherit' }
spawn('sleep', ['987'], inherit)
spawn('setsid', ['sh', '-c', 'trap "" TERM; sleep 988 & sleep 989'], inherit)
spawn('sh', ['-c', '(setsid sh -c "trap \\"\\" TERM HUP; sleep 990; sleep 991" &)'], inherit)
await import('./server-ok.mjs')
