import { randomUUID } from 'node:crypto'
import { join, resolve } from 'node:path'
import { expect, test as base } from 'vitest'
import type { PerfServer } from '../../../src/server/perf-server.ts'
import type { ServerOptions } from '../../../src/server/server-options.ts'
import type { ServerContext } from '../../../src/server/start.ts'
import { startServer as start } from '../../../dist/server/start.js'
import { processesNaming } from '../../programs/leftovers.ts'

export const programs = resolve(import.meta.dirname, '../../programs')

type StartProgram = (program: string, options?: Partial<ServerOptions>, context?: ServerContext) => Promise<PerfServer>

interface Fixtures {
  /** Starts a program of `test/programs`. After the test it is stopped, and no process of it may be left. */
  startProgram: StartProgram
  /** The error of a start that fails. */
  failureOf(...given: Parameters<StartProgram>): Promise<Error & { server: never }>
}

/** Tests that start servers, each its own: they may run at the same time. */
export const test = base.extend<Fixtures>({
  // Vitest reads from the pattern which fixtures this one needs.
  // oxlint-disable-next-line no-empty-pattern
  startProgram: async ({}, use) => {
    const marks: string[] = []
    const servers: PerfServer[] = []
    await use(async (program, options = {}, context = {}) => {
      const mark = randomUUID()
      marks.push(mark)
      const command = `node ${join(programs, program)}`
      const given = 'module' in options ? options : { command, ...options }
      const server = (await start({ ...given, env: { MARK: mark, ...options.env } } as never, context)) as PerfServer
      servers.push(server)
      return server
    })
    await Promise.all(servers.map((server) => server.stop()))
    for (const mark of marks) expect(processesNaming(mark)).toEqual([])
  },
  failureOf: async ({ startProgram }, use) => {
    await use(async (...given) => {
      const started = await startProgram(...given).catch((error: unknown) => error)
      expect(started).toBeInstanceOf(Error)
      return started as never
    })
  },
})
