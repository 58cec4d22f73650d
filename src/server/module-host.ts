import { pathToFileURL } from 'node:url'
import { withDeadline } from '../lifecycle/abort.ts'
import { startApplication, type RunningApplication } from './module-application.ts'
import { setTimeout } from '../lifecycle/real-timers.ts'

// The entry of the process that a `module` runs in. Its argument is a `ModuleHostPlan`.

/** What the host process is told. */
export interface ModuleHostPlan {
  readonly file: string
  readonly port: number
  readonly host: string
  /** The signal that asks it to end. */
  readonly signal: NodeJS.Signals
}

/** What an application has to end by itself, before the host ends the process. */
const CLOSE_TIMEOUT = 3_000

const plan = JSON.parse(process.argv[2] ?? '{}') as ModuleHostPlan
const controller = new AbortController()
let running: Promise<RunningApplication> | undefined

async function end(): Promise<void> {
  if (controller.signal.aborted) return
  controller.abort(new Error('The server has to end'))
  const close = async () => {
    const application = await running
    if (application?.close) await application.close()
    // A function that only listens to `signal` ends things in its own time: a tick after the abort at least.
    else await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await withDeadline(close(), CLOSE_TIMEOUT).catch((error: unknown) => console.error(error))
  process.exit(0)
}

for (const signal of new Set<NodeJS.Signals>(['SIGTERM', 'SIGINT', plan.signal])) {
  if (signal !== 'SIGKILL') process.on(signal, () => void end())
}

let doing: 'import' | 'start' | 'run' = 'import'
const UNFINISHED = {
  import: 'was not loaded to its end: a top-level `await` in it never settled.',
  start:
    'has a default export that was called with { port, host, signal } and started no server. A request listener takes two parameters, (request, response).',
}
// The event loop is empty, and the error must say why. A server that ran and closed itself needs no message.
process.once('beforeExit', () => {
  if (doing === 'run') return
  console.error(`The server module ${plan.file} ${UNFINISHED[doing]}`)
  process.exit(1)
})

/** What `export default` stood for: a compiler to CommonJS puts it one level deeper, and marks that. */
function defaultExport({ default: value }: { default?: unknown }): unknown {
  const compiled = value as { __esModule?: unknown; default?: unknown } | null | undefined
  return compiled?.__esModule === true && compiled.default !== undefined ? compiled.default : value
}

async function run(): Promise<RunningApplication> {
  const module = (await import(pathToFileURL(plan.file).href)) as { default?: unknown }
  const { port, host } = plan
  doing = 'start'
  const application = await startApplication(defaultExport(module), { port, host, signal: controller.signal })
  if (application.close || process.getActiveResourcesInfo().includes('TCPServerWrap')) doing = 'run'
  return application
}

running = run()
running.catch((error: unknown) => {
  console.error(`The server module ${plan.file} could not be started:`)
  console.error(error)
  process.exit(1)
})
