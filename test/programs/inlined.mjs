import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IsolateProfiler } from '../../dist/probe/isolate-profiler.js'

// Functions small enough to be inlined, optimized together with their caller before the profiler starts.

function hash(text) {
  let value = 0
  for (let at = 0; at < text.length; at += 1) value = (Math.imul(value, 31) + text.charCodeAt(at)) | 0
  return value
}
const json = JSON.stringify(Array.from({ length: 500 }, (_, id) => ({ id, tags: ['a', 'b'] })))
function parse() {
  return JSON.parse(json)
}
/** The smallest loop. */
function spin(times) {
  while (times-- > 0);
}
const text = 'abc'.repeat(20_000)
const callHash = () => hash(text) !== 0
const callParse = () => parse().length
const callSpin = () => spin(30_000)

function call(work, times) {
  for (let count = 0; count < times; count += 1) work()
}

call(callHash, 2_000)
call(callParse, 2_000)
call(callSpin, 2_000)
const file = join(tmpdir(), `inlined-${process.pid}.cpuprofile`)
const profiler = new IsolateProfiler()
await profiler.start(1_000)
call(callHash, 4_000)
call(callParse, 4_000)
call(callSpin, 8_000)
const { hot } = await profiler.stop(file)
rmSync(file)
const shares = Object.fromEntries(
  hot.filter(({ code }) => code === 'own').map((found) => [found.function, found.attributed]),
)
console.log(JSON.stringify(shares))
process.exit()
