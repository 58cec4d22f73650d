import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { compatFolder, toolOf, type Major } from './installed-package.ts'
import { leftoversAfter, type Leftover } from './leftovers.ts'

export type Pool = 'forks' | 'threads' | 'vmForks' | 'vmThreads'

export interface RunOptions {
  major: Major
  /** File name to source. `vitest.config.ts` is made from `config` unless it is given here. */
  files: Record<string, string>
  /** Source of the argument of `perf(…)`. */
  perf?: string
  /** Source of further entries of `test: { … }`. */
  test?: string
  pool?: Pool
  args?: readonly string[]
  env?: Record<string, string | undefined>
  /** Default `run`; `watch` keeps Vitest up. */
  command?: string
  /** Default `default`; '' names none. */
  reporter?: string
  /** Milliseconds before the run is killed as hung. Default 100 000. */
  timeout?: number
  /** Starts Vitest, on another host. */
  spawn?: (command: string, args: readonly string[], options: SpawnOptions) => ChildProcess
}

export interface Run {
  exitCode: number | null
  signal: NodeJS.Signals | null
  /** stdout and stderr as they came, without colours. */
  output: string
  stdout: string
  stderr: string
  /** Milliseconds from spawn to exit. */
  duration: number
  timedOut: boolean
  project: string
  cookie: string
  /** Living processes of this run after `milliseconds` (default 2 000). */
  leftovers(milliseconds?: number): Promise<Leftover[]>
}

export interface RunningVitest {
  child: ChildProcess
  project: string
  cookie: string
  output(): string
  /** Resolves when `pattern` is in the output; rejects when the run ends or 60 s pass first. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>
  finished: Promise<Run>
}

const COOKIE = 'PERF_E2E_COOKIE'
const projects = new Set<string>()

function configSource({ perf = '', test = '', pool = 'forks' }: RunOptions): string {
  return `import { defineConfig } from 'vitest/config'
import perf from 'vitest-plugin-perf/plugin'
export default defineConfig({
  plugins: [perf(${perf})],
  test: { include: ['**/*.{test,perf,spec}.{ts,js}'], pool: '${pool}', ${test} },
})
`
}

/** A temporary project on disk; removed by `removeProjects()`. */
export async function createProject(options: RunOptions): Promise<string> {
  const project = join(compatFolder(options.major), '.tmp', randomUUID().slice(0, 8))
  projects.add(project)
  const files: Record<string, string> = {
    'vitest.config.ts': configSource(options),
    'package.json': '{"type":"module"}',
    ...options.files,
  }
  for (const [name, source] of Object.entries(files)) {
    const path = join(project, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, source)
  }
  return project
}

/** Removes what `createProject` made; call it in `afterAll`. */
export async function removeProjects(): Promise<void> {
  for (const project of projects) await rm(project, { recursive: true, force: true })
  projects.clear()
}

/** The environment of a user's shell: nothing of the Vitest that runs this suite. */
export function cleanEnvironment(extra: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LANG } = process.env
  return { PATH, HOME, TMPDIR, LANG, NO_COLOR: '1', ...extra }
}

/** Starts real Vitest on a project and returns while it runs. */
export async function startVitest(options: RunOptions, existing?: string): Promise<RunningVitest> {
  const project = existing ?? (await createProject(options))
  const { node, vitest } = toolOf(options.major)
  const cookie = randomUUID()
  const reporter = options.reporter ?? 'default'
  const args = [
    vitest,
    options.command ?? 'run',
    ...(reporter ? [`--reporter=${reporter}`] : []),
    ...(options.args ?? []),
  ]
  const started = performance.now()
  const child = (options.spawn ?? spawn)(node, args, {
    cwd: project,
    env: cleanEnvironment({ [COOKIE]: cookie, ...options.env }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let stdout = ''
  let stderr = ''
  let all = ''
  const listeners = new Set<() => void>()
  const collect = (stream: 'out' | 'err') => (chunk: Buffer) => {
    const text = stripVTControlCharacters(chunk.toString())
    if (stream === 'out') stdout += text
    else stderr += text
    all += text
    for (const listener of listeners) listener()
  }
  child.stdout?.on('data', collect('out'))
  child.stderr?.on('data', collect('err'))
  let timedOut = false
  const hung = setTimeout(() => {
    timedOut = true
    if (child.pid) process.kill(-child.pid, 'SIGKILL')
  }, options.timeout ?? 100_000)
  const finished = new Promise<Run>((resolve, reject) => {
    child.once('error', reject)
    // 'exit' and not 'close': a leftover that holds the pipe must not look like a Vitest that still runs.
    child.once('exit', (exitCode, signal) => {
      clearTimeout(hung)
      const duration = performance.now() - started
      setTimeout(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
        const leftovers = (milliseconds = 2_000) => leftoversAfter(cookie, milliseconds)
        resolve({ exitCode, signal, output: all, stdout, stderr, duration, timedOut, project, cookie, leftovers })
      }, 50)
    })
  })
  const waitFor = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const fail = (why: string) => {
        listeners.delete(look)
        clearTimeout(timer)
        reject(new Error(`${why} before ${String(pattern)} was in the output:\n${all}`))
      }
      const look = () => {
        const match = pattern.exec(all)
        if (!match) return
        listeners.delete(look)
        clearTimeout(timer)
        resolve(match)
      }
      const timer = setTimeout(() => fail('60 s passed'), 60_000)
      listeners.add(look)
      child.once('exit', () => setTimeout(() => (listeners.has(look) ? fail('Vitest ended') : undefined), 100))
      look()
    })
  return { child, project, cookie, output: () => all, waitFor, finished }
}

/** Runs real Vitest on spec files in a temporary project and waits for its end. */
export async function runVitest(options: RunOptions): Promise<Run> {
  const running = await startVitest(options)
  return running.finished
}
