// Preloaded (`--require`) into every Node process and worker thread of the server under test. It connects to the spec's
// socket and waits to be asked; all that costs anything is loaded at the first question.
// CommonJS because an `--import` preload does not run in every worker thread; no listener, timer or socket of it keeps
// its process alive, and when the other side is gone it is silent.

type Protocol = typeof import('./protocol.ts', { with: { 'resolution-mode': 'import' } })
type Isolate = import('./isolate.ts', { with: { 'resolution-mode': 'import' } }).Isolate
type IsolateGreeting = import('./protocol.ts', { with: { 'resolution-mode': 'import' } }).IsolateGreeting
type QuestionLine = import('./protocol.ts', { with: { 'resolution-mode': 'import' } }).QuestionLine

const SOCKET: Protocol['PROBE_SOCKET'] = 'PERF_PROBE_SOCKET'

const PACKAGE_MANAGER =
  /[\\/](?:npm|npx|pnpm|pnpx|yarn|yarnpkg|corepack)(?:-cli)?(?:\.[cm]?js)?$|[\\/]node_modules[\\/](?:npm|pnpm|yarn|corepack)[\\/](?:bin|dist|lib)[\\/]/

function greeting(): IsolateGreeting {
  const { threadId } = require('node:worker_threads') as typeof import('node:worker_threads')
  const script = process.argv[1] ?? ''
  return { pid: process.pid, threadId, wrapper: PACKAGE_MANAGER.test(script), script }
}

function connectProbe(path: string): void {
  const { connect } = require('node:net') as typeof import('node:net')
  const socket = connect(path)
  let isolate: Promise<Isolate> | undefined
  const load = (): Promise<Isolate> => (isolate ??= import('./isolate.ts').then((module) => new module.Isolate()))

  const answer = async (line: string): Promise<void> => {
    const { id, ask, details } = JSON.parse(line) as QuestionLine
    try {
      const value = await (await load()).answer(ask, details)
      socket.write(`${JSON.stringify({ id, value })}\n`)
    } catch (error) {
      socket.write(`${JSON.stringify({ id, error: String(error) })}\n`)
    }
  }

  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) void answer(line)
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => void isolate?.then((loaded) => loaded.close()).catch(() => {}))
  socket.write(`${JSON.stringify(greeting())}\n`)
  socket.unref()
}

// Under Node's permission model what a probe needs may be forbidden, and its failure would be the server's.
const restricted = (process as { permission?: unknown }).permission !== undefined
const path = restricted ? undefined : process.env[SOCKET]
if (path) connectProbe(path)
