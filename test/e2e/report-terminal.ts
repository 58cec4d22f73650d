import { spawn, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { cleanEnvironment } from './harness/run-vitest.ts'
import { toolOf, type Major } from './harness/installed-package.ts'

const { Terminal } = createRequire(import.meta.url)('@xterm/headless') as typeof import('@xterm/headless')

const END_OF_FRAME = '\u001b[?2026l'

/** Why there is no pseudo-terminal here, or `undefined` where there is one. */
export function missingTerminal(): string | undefined {
  const found = spawnSync('script', ['-qfec', 'stty cols 40', '/dev/null'], { stdio: 'ignore' }).status === 0
  return found ? undefined : 'no pseudo-terminal: `script` of util-linux is not installed'
}

export interface Screen {
  /** The rows that are seen now, without trailing space. */
  rows(): string[]
  /** Everything that was ever left behind, scrolled away or seen. */
  everything(): string[]
  /** The screen whenever Vitest had drawn a frame to its end. */
  frames: string[][]
  /** Bytes as they came. */
  raw(): string
  type(keys: string): void
  /** Resolves with the rows as soon as `look` accepts them. */
  waitFor(look: (rows: string[]) => boolean): Promise<string[]>
  exited: Promise<number | null>
  kill(): void
}

/** Runs Vitest in a project, on a terminal of so many columns and rows. */
export function openTerminal(
  major: Major,
  project: string,
  {
    columns,
    rows = 30,
    args = ['run'],
    env = {},
  }: { columns: number; rows?: number; args?: string[]; env?: Record<string, string | undefined> },
): Screen {
  const { node, vitest } = toolOf(major)
  const terminal = new Terminal({ cols: columns, rows, scrollback: 5_000, allowProposedApi: true })
  const command = `stty cols ${columns} rows ${rows}; exec ${[node, vitest, ...args].map((part) => `'${part}'`).join(' ')}`
  const child = spawn('script', ['-qfec', command, '/dev/null'], {
    cwd: project,
    env: cleanEnvironment({ TERM: 'xterm-256color', NO_COLOR: undefined, ...env }),
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  let raw = ''
  const frames: string[][] = []
  const lines = (from: number, to: number) =>
    Array.from(
      { length: to - from },
      (_, index) => terminal.buffer.active.getLine(from + index)?.translateToString(true) ?? '',
    )
  const rowsNow = () => lines(terminal.buffer.active.baseY, terminal.buffer.active.baseY + rows)
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (chunk: string) => {
    raw += chunk
    const whole = chunk.endsWith(END_OF_FRAME)
    terminal.write(chunk, () => (whole ? frames.push(rowsNow()) : undefined))
  })
  const exited = new Promise<number | null>((resolve) =>
    child.once('close', (code) => terminal.write('', () => resolve(code))),
  )
  return {
    rows: rowsNow,
    everything: () => lines(0, terminal.buffer.active.length),
    frames,
    raw: () => raw,
    type: (keys) => void child.stdin.write(keys),
    async waitFor(look) {
      for (const deadline = Date.now() + 20_000; Date.now() < deadline && child.exitCode === null; await delay(20)) {
        if (look(rowsNow())) return rowsNow()
      }
      throw new Error(`The screen never held it:\n${rowsNow().join('\n')}`)
    },
    exited,
    kill: () => {
      if (child.exitCode === null && child.pid) process.kill(-child.pid, 'SIGKILL')
    },
  }
}
