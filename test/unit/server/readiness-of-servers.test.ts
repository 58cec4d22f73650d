import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { StartMemory } from '../../../dist/server/start-memory.js'
import { programs, test } from './server-under-test.ts'

const SECOND = 1_000

// Most of each is waiting for what does not come.
describe.concurrent('servers that are not ready', { timeout: 60_000 }, () => {
  test.for([404, 401, 403])(
    'a steady %i of the server itself ends the wait, and names what to set',
    async (status, { failureOf }) => {
      const started = performance.now()
      const error = await failureOf(`server-answers.mjs ${status}`)
      expect(error).toMatchObject({
        code: 'PERF_SERVER_START',
        message: expect.stringMatching(
          new RegExp(
            `^The server is up, but GET http://127\\.0\\.0\\.1:\\d+/health answered ${status} for 3 s\\. Set .health\\.path`,
          ),
        ),
        server: {
          lastAttempt: {
            asked: expect.stringMatching(/^GET http/),
            status,
            answered: expect.stringContaining(`${status}`),
          },
        },
      })
      expect(performance.now() - started).toBeLessThan(20 * SECOND)
    },
  )

  // Judges a short time, so nothing runs beside it.
  test.sequential('the next start with the same options fails at once, with the same words; another one is tried', async ({
    startProgram,
    failureOf,
  }) => {
    const memory = new StartMemory()
    const env = { MARK: 'steady' }
    const first = await failureOf('server-answers.mjs 404', { env }, { memory })
    const started = performance.now()
    const second = await failureOf('server-answers.mjs 404', { env }, { memory })
    expect(performance.now() - started).toBeLessThan(100)
    expect(second.message).toBe(first.message)
    const server = await startProgram('server-answers.mjs 404', { env, health: { status: 404 } }, { memory })
    expect(await server.health()).toMatchObject({ healthy: true, status: 404 })
  })

  test('a 404 that passes only delays the start', async ({ startProgram }) => {
    const server = await startProgram('server-answers.mjs 404 1500')
    expect((await server.health()).healthy).toBe(true)
  })

  test('503 means not ready yet: it is waited for, and its body is quoted in the end', async ({
    startProgram,
    failureOf,
  }) => {
    const late = await startProgram('server-answers.mjs 503 4500')
    expect((await late.health()).healthy).toBe(true)
    const error = await failureOf("server-answers.mjs 503 never 'no database yet'", { health: { timeout: '6s' } })
    expect(error.message).toMatch(
      /not ready within 6\.00 s\. It is up, but not ready[\s\S]*its body: "no database yet"/,
    )
    expect(error.server).toMatchObject({ lastAttempt: { status: 503, body: 'no database yet' } })
  })

  test.runIf(process.platform === 'linux')(
    'a server that is up on another port ends the wait, and is told where',
    async ({ failureOf }) => {
      const [other, six, early] = await Promise.all([
        failureOf('server-elsewhere.mjs'),
        failureOf('server-ipv6.mjs'),
        failureOf('server-elsewhere.mjs', { health: { timeout: '2s' } }),
      ])
      const port = /mine is (\d+)/.exec((other.server as { output: string }).output)?.[1]
      expect(other.message.split('\n')[0]).toMatch(
        new RegExp(
          `^The server is up on another port\\. Its process listens on ${port}, not on 127\\.0\\.0\\.1:\\d+: have it .*, or set .port: ${port}.\\.$`,
        ),
      )
      expect(six.message).toMatch(
        /Its process listens on \[::1\]:\d+, not on 127\.0\.0\.1:\d+: .* or set `host: '::1'`\./,
      )
      expect(early.message).toMatch(/^The server was not ready within 2\.00 s\. Its process listens on \d+, not on/)
    },
  )

  test('a plain probe that meets TLS asks for HTTPS; `protocol` is the answer, and loads inherit its `tls`', async ({
    startProgram,
    failureOf,
  }) => {
    const error = await failureOf('server-https.mjs https')
    expect(error.message.split('\n')[0]).toMatch(
      /^The server is up, but GET http:.* met TLS where plain HTTP was asked: does it speak HTTPS\?/,
    )
    expect(error.message).toContain("does it speak HTTPS? Set `protocol: 'https'`.\n")
    const plain = await failureOf('server-ok.mjs', { protocol: 'https' })
    expect(plain.message).toMatch(/met a server that does not speak TLS: is it plain HTTP\? Set `protocol: 'http'`/)
    const server = await startProgram('server-https.mjs https', { protocol: 'https' })
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`)
    expect(server.tls).toEqual({ rejectUnauthorized: false })
    expect(await server.health()).toMatchObject({ healthy: true, status: 200, url: `${server.url}/health` })
  })

  test('a certificate is checked where `tls` says so', async ({ startProgram, failureOf }) => {
    const health = { timeout: '8s' } as const
    const strict = { protocol: 'https', tls: { rejectUnauthorized: true }, health } as const
    const error = await failureOf('server-https.mjs https', strict)
    expect(error.message).toMatch(
      /met a certificate that is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\): give its authority in `tls\.ca`/,
    )
    const { readFileSync } = await import('node:fs')
    const ca = readFileSync(join(programs, 'load-tls/cert.pem'), 'utf8')
    const server = await startProgram('server-https.mjs https', {
      protocol: 'https',
      tls: { ca, servername: 'localhost' },
    })
    expect((await server.health()).healthy).toBe(true)
  })

  // A look at a port has half a second.
  test.sequential.for(['http', 'tcp', 'log'])(
    'a module that exports an https.Server is noticed by itself (%s)',
    async (kind, { startProgram }) => {
      const health = { http: {}, tcp: { tcp: true }, log: { log: /up/ } }[kind] as object
      const source =
        kind === 'log'
          ? { command: `node ${join(programs, 'server-https.mjs')} https`, protocol: 'https' as const }
          : { module: join(programs, 'server-modules/https-server.mjs') }
      const server = await startProgram('', { ...source, health })
      expect(server.url).toBe(`https://127.0.0.1:${server.port}`)
      expect((await server.health()).healthy).toBe(true)
    },
  )

  test.for(['h2', 'h2c'])(
    'a server that speaks HTTP/2 only (%s) gets a sentence of its own',
    async (kind, { startProgram, failureOf }) => {
      for (const protocol of kind === 'h2' ? (['http', 'https'] as const) : (['http'] as const)) {
        const error = await failureOf(`server-https.mjs ${kind}`, { protocol })
        expect(error.message.split('\n')[0]).toMatch(
          /speaks HTTP\/2 only.*`allowHTTP1: true`.*`health: \{ tcp: true \}`/,
        )
        expect(error.message).not.toMatch(/ssl3|alert|OpenSSL|Parse Error/i)
      }
      const server = await startProgram(`server-https.mjs ${kind}`, { health: { tcp: true } })
      expect((await server.health()).healthy).toBe(true)
    },
  )

  test('`health.log` matches what a person sees, line by line, as it comes in', async ({ startProgram, failureOf }) => {
    const server = await startProgram('server-colours.mjs', {
      health: { log: /^ {2}➜ {2}Local: {3}http:\/\/localhost:\d+\/$/ },
    })
    expect(server.output).toContain(`http://localhost:${server.port}/`)
    const progress = await startProgram('server-colours.mjs', { health: { log: /^building 100 %$/ } })
    expect((await progress.health()).healthy).toBe(true)
    const never = await failureOf('server-colours.mjs', { health: { log: /10 %[\s\S]*100 %/, timeout: '2s' } })
    expect(never.message).toContain('the output has not matched')
  })

  test("a program that ends with its input: the error names `stdin`, and 'open' keeps it", async ({
    startProgram,
    failureOf,
  }) => {
    const error = await failureOf('server-with-input.mjs')
    expect(error.message.split('\n')[0]).toMatch(/exited with code 0.*set `stdin: 'open'`/)
    expect(error.message).not.toContain('foreground')
    const server = await startProgram('server-with-input.mjs', { stdin: 'open' })
    expect((await server.health()).healthy).toBe(true)
    await server.restart()
    expect((await server.health()).healthy).toBe(true)
  })

  test('`envFile` is read before `env`, from the folder of the server, and moves no port', async ({
    startProgram,
    failureOf,
  }) => {
    const folder = mkdtempSync(join(tmpdir(), 'env-file-'))
    writeFileSync(join(folder, 'a.env'), '# a comment\nONE=file\nTWO="two words"\nPORT=1\n')
    writeFileSync(join(folder, 'b.env'), 'THREE=b\nONE=later\n')
    const command = `node ${join(programs, 'server-ok.mjs')}`
    const options = { command, cwd: folder, envFile: ['a.env', 'b.env'], env: { THREE: 'own' } }
    const server = await startProgram('', options)
    const env = (await (await fetch(`${server.url}/env`)).json()) as Record<string, string>
    expect(env).toMatchObject({ ONE: 'later', TWO: 'two words', THREE: 'own', PORT: String(server.port) })
    const error = await failureOf('', { command, cwd: folder, envFile: 'none.env' })
    expect(error.message.split('\n')[0]).toMatch(/none\.env \(`envFile: "none\.env"`\) does not exist/)
    rmSync(folder, { recursive: true })
  })

  test('`waitOn: http:` that answers HEAD with 404 and GET well is told so, and `http-get:` is named', async ({
    startProgram,
    failureOf,
  }) => {
    const needed = createServer((request, response) => response.writeHead(request.method === 'HEAD' ? 404 : 200).end())
    await new Promise<void>((done) => needed.listen(0, '127.0.0.1', done))
    const { port } = needed.address() as AddressInfo
    const error = await failureOf('server-ok.mjs', { waitOn: `http://127.0.0.1:${port}/ready` })
    expect(error.message.split('\n')[0]).toMatch(
      new RegExp(`answered HEAD with 404, and GET with 200\\..*write .http-get://127\\.0\\.0\\.1:${port}/ready.`),
    )
    const server = await startProgram('server-ok.mjs', { waitOn: `http-get://127.0.0.1:${port}/ready` })
    expect((await server.health()).healthy).toBe(true)
    needed.close()
  })
})
