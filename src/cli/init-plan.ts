/** What was found in a project. */
export interface ProjectFacts {
  readonly manifest: {
    readonly main?: string
    readonly scripts?: Readonly<Record<string, string>>
    readonly dependencies?: Readonly<Record<string, string>>
    readonly devDependencies?: Readonly<Record<string, string>>
  }
  /** The config of Vitest or Vite. */
  readonly config?: string | undefined
  /** A file that looks like the server's entry. */
  readonly entry?: string | undefined
  readonly typescript: boolean
  /** Files of ours that are there already. */
  readonly taken: readonly string[]
}

export interface InitPlan {
  readonly files: readonly { readonly path: string; readonly text: string }[]
  /** What is left to the user. */
  readonly next: readonly string[]
}

/** What `init` writes for a project, and what it tells. Pure. */
export function planInit(facts: ProjectFacts): InitPlan {
  const command = serverCommand(facts)
  const spec = `perf/first.perf.${facts.typescript ? 'ts' : 'js'}`
  const files = [
    ...(facts.config === undefined ? [{ path: 'vitest.config.mts', text: configText(command) }] : []),
    ...(facts.taken.includes(spec) ? [] : [{ path: spec, text: SPEC }]),
  ]
  const install = missingPackages(facts)
  return {
    files,
    next: [
      ...(facts.taken.includes(spec) ? [`${spec} is there already and stays as it is`] : []),
      ...(install.length > 0 ? ['', 'install:', `  npm install --save-dev ${install.join(' ')}`] : []),
      ...(facts.config === undefined ? [] : ['', `add to ${facts.config}:`, ...indent(snippet(command))]),
      '',
      'your server must read PORT (and HOST) from its environment and answer GET /health with a status below 400;',
      "or set `health: { path: '/' }` or `health: { tcp: true }` in the config",
      '',
      'run:',
      `  npx vitest run ${facts.config === undefined ? '--project=perf ' : ''}--reporter=perf${facts.config === undefined ? '' : ` ${spec}`}`,
    ],
  }
}

function serverCommand({ manifest, entry }: ProjectFacts): string {
  const start = manifest.scripts?.['start']
  if (start !== undefined) return /^node\s/.test(start) ? start : 'npm start'
  return `node ${entry ?? manifest.main ?? 'server.js'}`
}

function missingPackages({ manifest }: ProjectFacts): string[] {
  const known = { ...manifest.dependencies, ...manifest.devDependencies }
  return ['vitest', 'vitest-plugin-perf'].filter((name) => known[name] === undefined)
}

function indent(text: string): string[] {
  return text.split('\n').map((line) => `  ${line}`)
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}

function snippet(command: string): string {
  return `import perf from 'vitest-plugin-perf/plugin'
// plugins: [perf({ server: { command: ${quoted(command)} } })],
// and, so that unit tests and load tests stay apart:
// test: {
//   projects: [
//     { test: { name: 'unit', include: ['**/*.test.ts'] } },
//     { extends: true, test: { name: 'perf', include: ['**/*.perf.{ts,js}'] } },
//   ],
//   fileParallelism: false,
// },`
}

function configText(command: string): string {
  return `import { defineConfig } from 'vitest/config'
import perf from 'vitest-plugin-perf/plugin'

export default defineConfig({
  plugins: [perf({ server: { command: ${quoted(command)} } })],
  test: {
    projects: [
      { test: { name: 'unit', include: ['**/*.{test,spec}.?(c|m)[jt]s?(x)'] } },
      { extends: true, test: { name: 'perf', include: ['**/*.perf.{ts,js}'] } },
    ],
    // Two load tests at a time would fight for the same cores.
    fileParallelism: false,
  },
})
`
}

const SPEC = `import { expect, test } from 'vitest-plugin-perf'

test('GET / answers 99 of 100 requests in 200 ms', async ({ server, loadGenerator }) => {
  const result = await loadGenerator.generateLoad({ url: \`\${server.url}/\`, rate: 50, duration: '5s' })
  expect(result).toMeetThresholds({ 'latency.p99': '<200', errorRate: '==0' })
})
`
