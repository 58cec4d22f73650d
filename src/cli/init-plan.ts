import { findServer, type FoundServer } from './find-server.ts'

export type PackageManager = 'npm' | 'pnpm' | 'yarn' | 'bun'

/** What was found in a project. */
export interface ProjectFacts {
  readonly manifest: {
    readonly main?: string
    readonly scripts?: Readonly<Record<string, string>>
    readonly dependencies?: Readonly<Record<string, string>>
    readonly devDependencies?: Readonly<Record<string, string>>
  }
  /** By the lock file, of this folder or of one above it. */
  readonly packageManager: PackageManager
  /** The config of Vitest or Vite that is there. */
  readonly config?: { readonly path: string; readonly usesPlugin: boolean } | undefined
  /** A file that looks like the server's entry, and its text. */
  readonly entry?: { readonly path: string; readonly text: string } | undefined
  readonly typescript: boolean
  /** Files of ours that are there already. */
  readonly taken: readonly string[]
}

export interface InitPlan {
  readonly files: readonly { readonly path: string; readonly text: string }[]
  /** What is left to the user. */
  readonly next: readonly string[]
}

/** Where `init` puts the config: a config that is there stays as it is. */
const CONFIG = 'vitest.config.mts'
const OWN_CONFIG = 'vitest.perf.config.mts'

/** Config files and specs that `init` may write. */
export const INIT_FILES = [OWN_CONFIG, 'perf/first.perf.ts', 'perf/first.perf.js'] as const

/** What `init` writes for a project, and what it tells. Pure. */
export function planInit(facts: ProjectFacts): InitPlan {
  const server = findServer(facts)
  const spec = { path: `perf/first.perf.${facts.typescript ? 'ts' : 'js'}`, text: specText(server) }
  const files = [...configFiles(facts, server), spec]
  const taken = facts.config?.usesPlugin ? [...facts.taken, facts.config.path] : facts.taken
  return {
    files: files.filter(({ path }) => !taken.includes(path)),
    next: [...taken.map((path) => `${path} is there already and stays as it is`), ...whatIsLeft(facts, server)],
  }
}

function configFiles({ config }: ProjectFacts, server: FoundServer): InitPlan['files'] {
  if (config === undefined) return [{ path: CONFIG, text: withUnitTests(server) }]
  return config.usesPlugin ? [] : [{ path: OWN_CONFIG, text: besideConfig(server, config.path) }]
}

function whatIsLeft(facts: ProjectFacts, server: FoundServer): string[] {
  const { exec, add } = COMMANDS[facts.packageManager]
  const install = missingPackages(facts)
  const { config } = facts
  const select = config === undefined ? ' --project=perf' : config.usesPlugin ? '' : ` --config=${OWN_CONFIG}`
  return [
    ...(install.length > 0 ? ['', 'install:', `  ${add} ${install.join(' ')}`] : []),
    ...(server.problems.length > 0 ? ['', 'before you run it:', ...server.problems.map((line) => `  ${line}`)] : []),
    '',
    'run:',
    `  ${exec} vitest run${select} --reporter=perf`,
  ]
}

const COMMANDS: Readonly<Record<PackageManager, { readonly exec: string; readonly add: string }>> = {
  npm: { exec: 'npx', add: 'npm install --save-dev' },
  pnpm: { exec: 'pnpm exec', add: 'pnpm add --save-dev' },
  yarn: { exec: 'yarn', add: 'yarn add --dev' },
  bun: { exec: 'bunx', add: 'bun add --dev' },
}

function missingPackages({ manifest, packageManager }: ProjectFacts): string[] {
  const known = { ...manifest.dependencies, ...manifest.devDependencies }
  // Vitest 5 has Vite as a peer, and Yarn installs no peers.
  const needed = ['vitest', ...(packageManager === 'yarn' ? ['vite'] : []), 'vitest-plugin-perf']
  return needed.filter((name) => known[name] === undefined)
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}

function pluginText({ command, health }: FoundServer): string {
  return `perf({ server: { command: ${quoted(command)}${health === undefined ? '' : `, health: ${health}`} } })`
}

function withUnitTests(server: FoundServer): string {
  return `import { defineConfig } from 'vitest/config'
import perf from 'vitest-plugin-perf/plugin'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit' } }, // *.test.* and *.spec.*, as before
      {
        plugins: [${pluginText(server)}],
        test: {
          name: 'perf',
          include: ['**/*.perf.{ts,js}'],
          fileParallelism: false, // one load test at a time
          sequence: { groupOrder: 1 }, // after the unit tests
        },
      },
    ],
  },
})
`
}

function besideConfig(server: FoundServer, config: string): string {
  return `import { defineConfig } from 'vitest/config'
import perf from 'vitest-plugin-perf/plugin'

// Beside ${config}, so that your unit tests stay as they are.
export default defineConfig({
  plugins: [${pluginText(server)}],
  test: {
    include: ['**/*.perf.{ts,js}'],
    fileParallelism: false, // one load test at a time
  },
})
`
}

function specText({ route }: FoundServer): string {
  return `import { expect, test } from 'vitest-plugin-perf'

test('GET ${route} answers 99 of 100 requests in 200 ms', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({
    url: \`\${server.url}${route}\`,
    rate: 50, // requests a second, whatever the server does
    warmup: { duration: '2s' }, // kept out of the figures
    duration: '5s',
  })
  expect(result).toMeetThresholds({ 'latency.p99': '<200', errorRate: '==0' })
})
`
}
