// the leak is in a Node process started through a shell, spoken to with JSON lines (~400 B)
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { serve } from './serve.mjs'
if (process.argv[2] === 'engine') {
  const audits = []
  function audit(line) {
    const entry = { line, at: new Date(), parts: line.split(','), ok: true } // LEAK
    audits.push(entry)
    return audits.length
  }
  createInterface({ input: process.stdin }).on('line', (line) => console.log(audit(line + ',a,b,c,d')))
  process.stdin.on('end', () => process.exit(0))
} else {
  const child = spawn('sh', ['-c', `"${process.execPath}" "${fileURLToPath(import.meta.url)}" engine | cat`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const queue = []
  createInterface({ input: child.stdout }).on('line', (line) => queue.shift()?.end(line))
  let n = 0
  serve((req, res) => {
    queue.push(res)
    child.stdin.write(`job-${++n}\n`)
  })
}
