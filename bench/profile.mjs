// What a profile costs: requests per second of a server without and with the profiler and the record of calls, in turn.
import { fileURLToPath } from 'node:url'
import { LoadGenerator } from '../dist/load/spec/load-generator.js'
import { openProbeChannel } from '../dist/probe/channel.js'
import { ProfileRecording } from '../dist/profile/recording.js'
import { startServer } from '../dist/server/start.js'
import { inTurn, printRatio } from './measure.mjs'

const ROUNDS = 6
const program = (name) => fileURLToPath(new URL(`../test/programs/slow/${name}.mjs`, import.meta.url))
const generator = new LoadGenerator()

async function measure(name) {
  let channel
  const server = await startServer(
    { command: `node ${program(name)}` },
    { instrument: async () => (channel = await openProbeChannel()) },
  )
  const drive = async () =>
    (await generator.generateLoad({ url: server.url, connections: 10, duration: 2_000 })).requestsPerSecond
  try {
    await drive()
    const rates = await inTurn(ROUNDS, {
      without: drive,
      with: async () => {
        const recording = await ProfileRecording.start(channel)
        try {
          return await drive()
        } finally {
          await recording.discard()
        }
      },
    })
    printRatio(`${name}: requests/s`, ['with a profile', rates.with], ['without', rates.without], { goal: '>= 0.92' })
  } finally {
    await server.stop()
    await channel.close()
  }
}

for (const name of ['sound-small', 'sound-mixed', 'sound-calls']) await measure(name)
process.exit()
