import { existsSync, readFileSync, statSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { fileURLToPath, URL } from 'node:url'
import { parseEnv } from 'node:util'
import { ServerStartError } from '../errors.ts'
import { appendNodeOptions, serverEnvironment } from './child-environment.ts'
import type { ModuleHostPlan } from './module-host.ts'
import type { Instrument } from './perf-server.ts'
import type { ResolvedServerOptions, ServerSource } from './server-options.ts'
import type { SpawnPlan } from './server-process.ts'

const hostEntry = fileURLToPath(new URL('./module-host.js', import.meta.url))

/** What the user wrote, for messages and reports. */
export function nameOfSource(source: ServerSource): string {
  if (source.kind === 'command') return source.command
  return source.kind === 'module' ? source.module : source.url
}

function failure(message: string, source: ServerSource, cwd: string): ServerStartError {
  return new ServerStartError(message, { server: { command: nameOfSource(source), cwd, output: '' } })
}

function moduleFile(module: string, cwd: string): string {
  return module.startsWith('file:') ? fileURLToPath(module) : resolve(cwd, module)
}

/** Node's own flags for a TypeScript module: none needed, one needed, or it cannot run it. */
function typeScriptFlags(file: string, nodeOptions: string | undefined): readonly string[] | undefined {
  const hasLoader = /--(import|loader|experimental-loader|require|experimental-strip-types)\b|(^|\s)-r\s/.test(
    nodeOptions ?? '',
  )
  if (!/^\.[cm]?tsx?$/.test(extname(file)) || hasLoader) return []
  if (extname(file) === '.tsx') return undefined
  if ((process.features as { typescript?: unknown }).typescript) return []
  const flag = '--experimental-strip-types'
  return process.allowedNodeEnvironmentFlags.has(flag) ? [flag, '--disable-warning=ExperimentalWarning'] : undefined
}

/** The folder a server runs in. */
export function folderOf(options: ResolvedServerOptions, base: string): string {
  const cwd = resolve(base, options.cwd ?? '.')
  if (existsSync(cwd) && statSync(cwd).isDirectory()) return cwd
  throw failure(`The folder of the server, \`cwd: ${JSON.stringify(cwd)}\`, does not exist.`, options.source, cwd)
}

/** The variables of the user's `envFile`; a later file wins. */
function readEnvFiles({ envFiles, source }: ResolvedServerOptions, cwd: string): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const name of envFiles) {
    const path = resolve(cwd, name)
    let content: string
    try {
      content = readFileSync(path, 'utf8')
    } catch (error) {
      const why =
        (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : `cannot be read: ${String(error)}`
      const what = `The file of variables ${path} (\`envFile: ${JSON.stringify(name)}\`) ${why}.`
      throw failure(`${what} It is looked for in the server's folder, \`cwd\`.`, source, cwd)
    }
    Object.assign(variables, parseEnv(content))
  }
  return variables
}

/** Under Node's permission model a preload that may not be read would end the server: it goes without. */
function isRestricted(command: string): boolean {
  return /(^|\s)--(experimental-)?permission(?=\s|=|$)/.test(command)
}

/**
 * What is spawned for a server on a port.
 *
 * @throws {ServerStartError} where it can be seen beforehand that it cannot run.
 */
export function planSpawn(
  options: ResolvedServerOptions,
  port: number,
  cwd: string,
  instrument: Instrument | undefined,
): SpawnPlan {
  const { source, host, shutdown, stdin } = options
  const added = { ...instrument?.env, PORT: String(port), HOST: host }
  const variables = readEnvFiles(options, cwd)
  const env = serverEnvironment({ inherited: process.env, files: variables, added, own: options.env })
  const files = instrument?.files ?? []
  const userNodeOptions = env.NODE_OPTIONS
  const command = source.kind === 'command' ? source.command : ''
  if (instrument && !isRestricted(`${command} ${userNodeOptions ?? ''}`)) {
    env.NODE_OPTIONS = appendNodeOptions(env.NODE_OPTIONS, instrument.nodeOptions)
  }
  if (source.kind !== 'module') {
    const file = command.replaceAll('{port}', String(port)).replaceAll('{host}', host)
    return { file, args: [], shell: true, cwd, env, files, stdin }
  }
  const file = moduleFile(source.module, cwd)
  if (!existsSync(file)) throw failure(`The server module ${file} does not exist.`, source, cwd)
  const flags = typeScriptFlags(file, userNodeOptions)
  if (!flags) {
    const advice =
      'Build it and name the JavaScript file, or install a loader and set `server.env.NODE_OPTIONS` (as in `--import tsx`).'
    throw failure(`Node ${process.versions.node} cannot run the server module ${file}. ${advice}`, source, cwd)
  }
  const plan: ModuleHostPlan = { file, port, host, signal: shutdown.signal }
  return {
    file: process.execPath,
    args: [...flags, hostEntry, JSON.stringify(plan)],
    shell: false,
    cwd,
    env,
    files,
    stdin,
  }
}
