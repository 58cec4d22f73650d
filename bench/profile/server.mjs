// A server of `test/programs/slow` in which each part of a profile can be turned on, by messages of its parent.
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { Session } from 'node:inspector'
import { CpuRecording } from '../../dist/probe/cpu-recording.js'
import { limitInlining } from '../../dist/probe/inlined-code.js'
import { LoopTimer } from '../../dist/probe/loop-delay.js'
import { WaitRecorder } from '../../dist/probe/wait-recorder.js'

const http = createRequire(import.meta.url)('node:http')
const { createServer } = http
// The bench lets a server rest for longer than these limits.
http.createServer = (...options) =>
  Object.assign(createServer(...options), { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 })
syncBuiltinESMExports()
await import(`../../test/programs/slow/${process.env.PROGRAM}.mjs`)

const starts = {
  async cpu() {
    const session = new Session()
    session.connect()
    await CpuRecording.start(session, 1_000)
    await limitInlining(session)
  },
  async waits() {
    new WaitRecorder().start()
    new LoopTimer(() => {}).start()
  },
}

process.on('message', async (parts) => {
  for (const part of parts) await starts[part]()
  process.send('started')
})
