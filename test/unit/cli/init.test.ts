import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { planInit, type ProjectFacts } from '../../../src/cli/init-plan.ts'

const facts = (more: Partial<ProjectFacts> = {}): ProjectFacts => ({
  manifest: {},
  packageManager: 'npm',
  typescript: true,
  taken: [],
  ...more,
})
const paths = (more: Partial<ProjectFacts>) => planInit(facts(more)).files.map(({ path }) => path)
const told = (more: Partial<ProjectFacts>) => planInit(facts(more)).next.join('\n')
const written = (more: Partial<ProjectFacts>) =>
  planInit(facts(more))
    .files.map(({ text }) => text)
    .join('\n')
const EXPRESS = `app.get('/health', ok)
app.get('/orders/:id', order)
app.get("/orders", orders)
app.listen(process.env.PORT)`

describe('planInit', () => {
  it('writes a config that keeps the unit tests, and a spec on a route of the server', () => {
    const more = { entry: { path: 'src/server.js', text: EXPRESS } }
    expect(paths(more)).toEqual(['vitest.config.mts', 'perf/first.perf.ts'])
    expect(written(more)).toContain("perf({ server: { command: 'node src/server.js' } })")
    expect(written(more)).toContain('`${server.url}/orders`')
    expect(told(more)).not.toContain('before you run it')
  })

  it('takes a port that accepts for enough where it saw no health route', () => {
    const text = "app.get('/', home); app.listen(process.env.PORT)"
    expect(written({ entry: { path: 'app.js', text } })).toContain('health: { tcp: true }')
    expect(written({})).toContain('health: { tcp: true }')
  })

  it.each([
    ['app.listen(8080)', 'process.env.PORT ?? 8080'],
    ['const port = 4000\napp.listen(port)', 'process.env.PORT ?? 4000'],
    ['serve({ fetch: app.fetch, port: 8787 })', 'process.env.PORT ?? 8787'],
    ['app.listen(Number(process.env.PORT ?? 3000))', undefined],
    ['const { PORT } = process.env\napp.listen(PORT)', undefined],
    ['export default app', undefined],
  ])('of %s it tells what to do about the port: %s', (text, advice) => {
    const next = told({ entry: { path: 'app.js', text } })
    if (advice === undefined) expect(next).not.toContain('process.env.PORT')
    else expect(next).toContain(advice)
  })

  it('leaves a config that is there, and writes one beside it', () => {
    const more = { config: { path: 'vite.config.ts', usesPlugin: false } }
    expect(paths(more)).toEqual(['vitest.perf.config.mts', 'perf/first.perf.ts'])
    expect(told(more)).toContain('npx vitest run --config=vitest.perf.config.mts --reporter=perf')
    expect(paths({ ...more, taken: ['vitest.perf.config.mts', 'perf/first.perf.ts'] })).toEqual([])
  })

  it.each([
    [{ scripts: { start: "node 'my server.js'" } }, "command: 'node \\'my server.js\\''"],
    [{ scripts: { start: 'next start' } }, "command: 'npm start'"],
    [{ scripts: { preview: 'vite preview' } }, "command: 'npx vite preview --port {port} --host {host} --strictPort'"],
    [{ main: 'lib/main.js' }, "command: 'node lib/main.js'"],
  ])('of %j it starts the server with %s', (manifest, command) => {
    expect(written({ manifest })).toContain(command)
  })

  it('starts TypeScript with the tsx of the project', () => {
    const entry = { path: 'src/server.ts', text: '' }
    expect(written({ entry, manifest: { devDependencies: { tsx: '^4' } } })).toContain("'npx tsx src/server.ts'")
    expect(written({ entry })).toContain("'node src/server.ts'")
  })

  it.each([
    ['npm', 'npm install --save-dev vitest vitest-plugin-perf', 'npx vitest run'],
    ['pnpm', 'pnpm add --save-dev vitest vitest-plugin-perf', 'pnpm exec vitest run'],
    ['yarn', 'yarn add --dev vitest vite vitest-plugin-perf', 'yarn vitest run'],
    ['bun', 'bun add --dev vitest vitest-plugin-perf', 'bunx vitest run'],
  ] as const)('tells the commands of %s', (packageManager, install, run) => {
    expect(told({ packageManager })).toContain(install)
    expect(told({ packageManager })).toContain(run)
  })

  it('asks and writes nothing twice', () => {
    const config = { path: 'vitest.config.mts', usesPlugin: true }
    expect(paths({ config, taken: ['perf/first.perf.ts'] })).toEqual([])
    expect(paths({ config })).toEqual(['perf/first.perf.ts'])
    const known = { vitest: '^4.1.0', 'vitest-plugin-perf': '^0.1.0' }
    expect(told({ manifest: { devDependencies: known } })).not.toContain('npm install')
  })
})

describe('npx vitest-plugin-perf init', () => {
  const main = join(import.meta.dirname, '../../../dist/cli/main.js')
  let folder: string
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'perf-init-'))))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const run = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { cwd: folder, encoding: 'utf8' })

  it('writes once, and changes nothing the second time', () => {
    writeFileSync(join(folder, 'package.json'), '{}')
    writeFileSync(join(folder, 'server.js'), '')
    expect(execFileSync(process.execPath, [main, 'init', '--dry-run'], { cwd: folder, encoding: 'utf8' })).toContain(
      'would write vitest.config.mts',
    )
    expect(readdirSync(folder).toSorted()).toEqual(['package.json', 'server.js'])
    expect(run('init').stdout).toContain('wrote perf/first.perf.js')
    const config = readFileSync(join(folder, 'vitest.config.mts'), 'utf8')
    const again = run('init')
    expect(again.status).toBe(0)
    expect(again.stdout).not.toContain('wrote')
    expect(readFileSync(join(folder, 'vitest.config.mts'), 'utf8')).toBe(config)
  })

  it.each([
    [undefined, /There is no package\.json in /],
    ['{', /package\.json is malformed JSON/],
    ['null', /package\.json holds no object/],
  ])('says what is wrong with package.json %s', (text, message) => {
    if (text !== undefined) writeFileSync(join(folder, 'package.json'), text)
    const { status, stderr } = run('init')
    expect(status).toBe(1)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('    at ')
  })

  it('says which option is unknown', () => {
    const { status, stderr } = run('--bogus')
    expect([status, stderr]).toEqual([1, expect.stringContaining('Unknown option `--bogus`')])
  })

  it('says which command is unknown', () => {
    const { status, stderr } = run('innit')
    expect(status).toBe(1)
    expect(stderr).toContain('Unknown command `innit`')
  })
})
