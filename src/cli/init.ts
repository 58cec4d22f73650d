import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { isRecord } from '../option-issues.ts'
import { dirname, join } from 'node:path'
import { INIT_FILES, planInit, type PackageManager, type ProjectFacts } from './init-plan.ts'

const CONFIGS = ['vitest.config', 'vite.config'].flatMap((name) =>
  ['mts', 'ts', 'mjs', 'js', 'cts', 'cjs'].map((extension) => `${name}.${extension}`),
)
const ENTRIES = ['server', 'app', 'index', 'main'].flatMap((name) =>
  ['', 'src/', 'dist/'].flatMap((folder) =>
    ['js', 'mjs', 'cjs', 'ts', 'mts'].map((extension) => `${folder}${name}.${extension}`),
  ),
)
const LOCK_FILES: readonly (readonly [name: string, manager: PackageManager])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
]

/**
 * Writes the config and a first spec of a project, and returns lines that say what was written and what is left to do. No file
 * that exists is changed.
 *
 * @throws Error where there is no package.json, or it is malformed.
 */
export function initProject(folder: string, { write }: { write: boolean }): string[] {
  const plan = planInit(readFacts(folder))
  for (const { path, text } of write ? plan.files : []) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    // `wx`: what is there by now is the user's.
    writeFileSync(join(folder, path), text, { flag: 'wx' })
  }
  return [...plan.files.map(({ path }) => `${write ? 'wrote' : 'would write'} ${path}`), ...plan.next]
}

function readFacts(folder: string): ProjectFacts {
  const path = join(folder, 'package.json')
  if (!existsSync(path)) {
    throw new Error(
      `There is no package.json in ${folder}: run this in the folder of your project, or run \`npm init\` first.`,
    )
  }
  let manifest: ProjectFacts['manifest']
  try {
    // npm takes a byte-order mark too.
    manifest = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, '')) as ProjectFacts['manifest']
  } catch (error) {
    throw new Error(`${path} is malformed JSON: ${(error as Error).message}`, { cause: error })
  }
  if (!isRecord(manifest)) throw new Error(`${path} holds no object, as \`npm init\` writes it`)
  const exists = (name: string) => existsSync(join(folder, name))
  return {
    manifest,
    packageManager: managerOf(folder),
    config: configOf(folder),
    entry: entryOf(folder, manifest),
    typescript: exists('tsconfig.json'),
    taken: INIT_FILES.filter(exists),
  }
}

function configOf(folder: string): ProjectFacts['config'] {
  const path = CONFIGS.find((name) => existsSync(join(folder, name)))
  if (path === undefined) return undefined
  return { path, usesPlugin: readFileSync(join(folder, path), 'utf8').includes('vitest-plugin-perf') }
}

/** The file that `npm start` runs, else one by a usual name. */
function entryOf(folder: string, manifest: ProjectFacts['manifest']): ProjectFacts['entry'] {
  const started = /^(?:node|npx tsx|tsx)\s(?:--\S+\s+)*['"]?([^\s'"]+)/.exec(manifest.scripts?.['start'] ?? '')?.[1]
  const path = [started, ...ENTRIES].find((name) => name !== undefined && isFile(join(folder, name)))
  return path === undefined ? undefined : { path, text: readFileSync(join(folder, path), 'utf8') }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

/** By the nearest lock file; in a monorepo it is that of a folder above. */
function managerOf(folder: string): PackageManager {
  const found = LOCK_FILES.find(([name]) => existsSync(join(folder, name)))
  if (found) return found[1]
  return dirname(folder) === folder ? 'npm' : managerOf(dirname(folder))
}
