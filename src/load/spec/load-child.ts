import { fork } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath, URL } from 'node:url'
import { COOKIE_VARIABLE, guard } from '../../lifecycle/watchdog.ts'
import type { LoadReportMessage, LoadRequestMessage } from '../messages.ts'

/** The module that a load process runs. */
export const LOAD_ENTRY = fileURLToPath(new URL('../engine/main.js', import.meta.url))

// What Vitest and the shell set for the spec's process. A profiler, a debugger, a coverage run or a loader would make the load
// process another one.
const SCRUBBED =
  /^(NODE_ENV|NODE_OPTIONS|NODE_V8_COVERAGE|NODE_CHANNEL_.*|VITEST.*|VITE_.*|TEST|MODE|DEV|PROD|SSR|BASE_URL)$/

// Yarn Plug'n'Play keeps packages in archives, which Node reads only with these options.
const PLUG_AND_PLAY =
  /(?:--require|-r|--import|--loader|--experimental-loader)[\s=]+(?:"[^"]*\.pnp\.[^"]*"|\S*\.pnp\.\S+)/g

/** The child process that generates load. A test can script one. */
export interface LoadChild {
  /** `undefined` if it could not be started. */
  readonly pid: number | undefined
  /** Calls `onError` if the message could not be written. */
  send(message: LoadRequestMessage, onError: (error: Error) => void): void
  kill(): void
  /** Keeps this process alive for the child's messages, or no longer. */
  hold(isHeld: boolean): void
}

export interface LoadChildEvents {
  onMessage(message: LoadReportMessage): void
  onExit(code: number | null, signal: string | null): void
  /** The channel has closed. `onExit` usually follows. */
  onDisconnect(): void
  /** The child could not be started, or not be reached. */
  onError(error: Error): void
}

/** Starts the child of a load process. */
export type StartChild = (events: LoadChildEvents) => LoadChild

/** Forks `LOAD_ENTRY`. Its channel ends it with the worker; the watchdog does so if it does not react. */
export function forkLoadChild(events: LoadChildEvents): LoadChild {
  const guarded = guard()
  const child = fork(LOAD_ENTRY, [], {
    serialization: 'advanced',
    execArgv: [],
    env: { ...loadEnvironment(process.env), [COOKIE_VARIABLE]: guarded.cookie },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // A process group of its own: a Ctrl-C on the terminal must not end it before its loads have been ended.
    detached: true,
  })
  if (child.pid !== undefined) guarded.addGroup(child.pid)
  child.on('message', (message) => events.onMessage(message as LoadReportMessage))
  child.once('exit', (code, signal) => {
    guarded.release()
    events.onExit(code, signal)
  })
  child.once('disconnect', () => events.onDisconnect())
  child.on('error', (error) => {
    if (child.pid === undefined) guarded.release()
    events.onError(error)
  })
  child.unref()
  child.channel?.unref()
  return {
    pid: child.pid,
    send: (message, onError) => {
      child.send(message, (error) => {
        if (error) onError(error)
      })
    },
    kill: () => void child.kill('SIGKILL'),
    hold: (isHeld) => (isHeld ? child.channel?.ref() : child.channel?.unref()),
  }
}

/** The environment of a load process. */
export function loadEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !SCRUBBED.test(name)))
  const options = env.NODE_OPTIONS?.match(PLUG_AND_PLAY)
  return options ? { ...kept, NODE_OPTIONS: options.join(' ') } : kept
}
