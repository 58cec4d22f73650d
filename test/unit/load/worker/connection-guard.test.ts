import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resolveLoadOptions } from '../../../../src/load/plan/load-plan.ts'
import type { LoadReportMessage } from '../../../../src/load/messages.ts'

const program = (path: string) => new URL(`../../../../${path}`, import.meta.url).pathname
const requests = { allowed: 0, other: 0 }
const servers = {
  allowed: http.createServer((_, response) => {
    requests.allowed += 1
    response.writeHead(302, { location: `http://127.0.0.1:${portOf(servers.other)}/` }).end()
  }),
  other: http.createServer((_, response) => {
    requests.other += 1
    response.end()
  }),
}
const portOf = (server: http.Server) => (server.address() as AddressInfo).port

beforeAll(async () => {
  for (const server of Object.values(servers)) await once(server.listen(0), 'listening')
})

afterAll(() => {
  for (const server of Object.values(servers)) {
    server.close()
    server.closeAllConnections()
  }
})

test('no client gets around the guard, and each reaches what is allowed', async () => {
  const { allowed, other } = servers
  const args = [program('test/programs/guarded-clients.mjs'), String(portOf(allowed)), String(portOf(other))]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const outcomes = JSON.parse(stdout) as Record<string, string[]>
  expect(Object.keys(outcomes).length).toBeGreaterThan(15)
  const expected = Object.keys(outcomes).map((name) => [name, ['reached', 'not allowed']])
  expect(Object.entries(outcomes)).toEqual(expected)
})

test("a load's redirect to a target that is not allowed fails, with the option that would allow it", async () => {
  requests.other = 0
  const from = `http://127.0.0.1:${portOf(servers.allowed)}`
  const plan = resolveLoadOptions({ url: from, scenario: 'redirected', amount: 3, virtualUsers: 1 })
  const code = 'export default async (user) => { await user.get("/") }'
  const allowedTargets = [from]
  const scenario = { ...plan.scenario, mix: [['default', 1]], code, file: '/redirected.mjs', root: '/' }
  const child = fork(program('dist/load/engine/main.js'), { serialization: 'advanced' })
  const end = new Promise<Extract<LoadReportMessage, { type: 'end' }>>((resolve) => {
    child.on('message', (message: LoadReportMessage) => {
      if (message.type === 'end') resolve(message)
      if (message.type === 'ready') child.send({ type: 'run', id: 'one', plan: { ...plan, scenario, allowedTargets } })
    })
  })
  const { progress } = await end
  child.kill()
  expect(progress.iterations?.failed).toBe(3)
  const messages = Object.values(progress.errors.byKind).map(({ message }) => message)
  expect(messages.join('\n')).toContain(
    `This worker does not load 127.0.0.1:${portOf(servers.other)}: it was started with --allow ${from}.`,
  )
  expect(requests.allowed).toBeGreaterThan(0)
  expect(requests.other).toBe(0)
})
