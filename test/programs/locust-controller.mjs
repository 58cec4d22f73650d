// Runs loads over workers as it is told, a line of JSON each: options of `generateLoad`, or "abort". Prints what becomes of them.
import { createInterface } from 'node:readline'
import { LoadGenerator } from '../../dist/load/spec/load-generator.js'

const generator = new LoadGenerator()
const print = (line) => console.log(JSON.stringify(line))
let abort

async function run(options) {
  const controller = new AbortController()
  let isLate = false
  abort = () => {
    controller.abort(new Error('told so'))
    // A busy machine holds up this timer as it holds up the load.
    setTimeout(() => setImmediate(() => setImmediate(() => (isLate = true))), 250)
  }
  const outcome = await generator.generateLoad({ ...options, signal: controller.signal }).then(
    () => ({}),
    ({ name, message, partial }) => ({ name, message, requests: partial?.requests }),
  )
  print({ isLate, at: Date.now(), ...outcome })
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line)
  if (order === 'abort') abort()
  else void run(order)
})
process.stdin.on('end', () => process.exit(0))
