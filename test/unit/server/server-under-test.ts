import { randomUUID } from 'node:crypto'
import { join, resolve } from 'node:path'
import { afterEach, expect } from 'vitest'
import type { PerfServer } from '../../../src/server/perf-server.ts'
import type { ServerOptions } from '../../../src/server/server-options.ts'
import type { ServerContext } from '../../../src/server/start.ts'
import { startServer as start } from '../../../dist/server/start.js'
import { processesNaming } from '../../programs/leftovers.ts'

export const programs = resolve(import.meta.dirname, '../../programs')

const marks: string[] = []
const servers: PerfServer[] = []

/** Starts a program of `test/programs`. After the test it is stopped, and no process of it may be left. */
export async function startProgram(program: string, options: Partial<ServerOptions> = {}, context: ServerContext = {}) {
  const mark = randomUUID()
  marks.push(mark)
  const command = `node ${join(programs, program)}`
  const given = 'module' in options ? options : { command, ...options }
  const server = (await start({ ...given, env: { MARK: mark, ...options.env } } as never, context)) as PerfServer
  servers.push(server)
  return server
}

/** The error of a start that fails. */
export async function failureOf(...given: Parameters<typeof startProgram>): Promise<Error & { server: never }> {
  const started = await startProgram(...given).catch((error: unknown) => error)
  expect(started).toBeInstanceOf(Error)
  return started as never
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
  for (const mark of marks.splice(0)) expect(processesNaming(mark)).toEqual([])
})
