import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LoadGenerator } from '../../dist/load/spec/load-generator.js'
import { openProbeChannel, type ProbeChannel } from '../../dist/probe/channel.js'
import { ProfileRecording } from '../../dist/profile/recording.js'
import { startServer } from '../../dist/server/start.js'
import { startMariaDb, startRedis, type DatabaseServer } from './harness/database-servers.ts'

// Servers with one planted cause each, and sound ones: the first sentence names the cause, and blames nobody else.

const programs = join(import.meta.dirname, '../programs/slow')
const folder = mkdtempSync(join(tmpdir(), 'perf-causes-'))
const databases: { redis?: DatabaseServer | undefined; mariadb?: DatabaseServer | undefined } = {}

beforeAll(async () => {
  databases.redis = await startRedis()
  databases.mariadb = await startMariaDb()
  if (!databases.redis) console.warn('skipped: no Redis (Debian: apt-get install redis-server)')
  if (!databases.mariadb) console.warn('skipped: no MariaDB (Debian: apt-get install mariadb-server)')
})
afterAll(async () => {
  await databases.redis?.stop()
  await databases.mariadb?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function profileOf(program: string, connections: number) {
  let channel: ProbeChannel | undefined
  const server = await startServer(
    {
      command: `node ${join(programs, `${program}.mjs`)}`,
      env: { ...databases.redis?.env, ...databases.mariadb?.env },
    },
    { instrument: async () => (channel = await openProbeChannel()) },
  )
  try {
    const generator = new LoadGenerator()
    const load = { url: `${server.url}/orders`, connections }
    await generator.generateLoad({ ...load, duration: 1_500 })
    const recording = await ProfileRecording.start(channel as ProbeChannel)
    const result = await generator.generateLoad({ ...load, duration: 1_500 })
    const profile = await recording.stop(folder, program, {})
    expect(result.errors.total).toBe(0)
    return profile
  } finally {
    await server.stop()
    await channel?.close()
  }
}

describe('the first sentence names', () => {
  test.each([
    ['a hot function behind two layers', 'hot-function', /% of it in parseTokens \(.*hot-function\.mjs:3\)/],
    ['a regular expression that backtracks', 'regexp', /% of it in isName \(.*regexp\.mjs:3\)/],
    ['JSON of megabytes', 'json', /% of it in loadCatalogue \(.*json\.mjs:11\)/],
    ['synchronous reading', 'sync-fs', /% of it in readTemplate \(.*sync-fs\.mjs:9\), mostly in readFileSync/],
    [
      'synchronous cryptography',
      'sync-crypto',
      /% of it in hashPassword \(.*sync-crypto\.mjs:4\), mostly in pbkdf2Sync/,
    ],
    ['garbage', 'garbage', /garbage collection, mostly of what buildRows \(|in buildRows \(.* % in garbage collection/],
    [
      'a loop around HTTP calls',
      'many-http',
      /for `GET 127\.0\.0\.1:\d+\/stock\/:id`: 15 calls a request, .*\(.*many-http\.mjs:7\)/,
    ],
    ['a slow upstream', 'upstream', /for `GET 127\.0\.0\.1:\d+\/quotes\/eur`: 1 call a request, p50 \d\d/],
    [
      'a lock',
      'lock',
      /made no call out of the server: they waited inside the process, for a lock, a queue, a timer or Node's thread pool/,
    ],
  ])('%s', async (_, program, expected) => {
    const { summary } = await profileOf(program, 4)
    // Where other programs take the processors, that stands before the cause.
    expect(summary.find((line) => !line.startsWith('The machine was busy'))).toMatch(expected)
  })

  test('a loop around commands of Redis', async ({ skip }) => {
    if (!databases.redis) return skip()
    expect((await profileOf('many-redis', 2)).summary[0]).toMatch(
      /60 calls (?:a request, p50 .*|of `GET user:\?` )\(.*many-redis\.mjs:9\)/,
    )
  })

  test('a loop around statements of MariaDB', async ({ skip }) => {
    if (!databases.mariadb) return skip()
    expect((await profileOf('many-mariadb', 2)).summary[0]).toMatch(
      /for `SELECT .* FROM slow\.items WHERE id = \?`: 41 calls a request, .*\(.*many-mariadb\.mjs:10\)/,
    )
  })

  test('a pool of one connection', async ({ skip }) => {
    if (!databases.mariadb) return skip()
    expect((await profileOf('pool', 6)).summary[0]).toMatch(/for a connection of the pool to .*: 1 call a request/)
  })
})

test.each(['sound-small', 'sound-mixed', 'sound-calls', 'sound-idle'])('nobody is blamed in %s', async (program) => {
  // That the machine was busy is no blame of the server.
  const summary = (await profileOf(program, 1)).summary.filter(
    (sentence) => !sentence.startsWith('The machine was busy'),
  )
  expect(summary).toEqual([expect.stringMatching(/^Nothing stands out/)])
})
