import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { planInit, type ProjectFacts } from '../../../src/cli/init-plan.ts'

const facts = (more: Partial<ProjectFacts> = {}): ProjectFacts => ({
  manifest: {},
  typescript: true,
  taken: [],
  ...more,
})
const paths = (more: Partial<ProjectFacts>) => planInit(facts(more)).files.map(({ path }) => path)

describe('planInit', () => {
  it('writes a config that keeps the unit tests, and a first spec', () => {
    const { files, next } = planInit(facts({ entry: 'src/server.js' }))
    expect(files.map(({ path }) => path)).toEqual(['vitest.config.mts', 'perf/first.perf.ts'])
    expect(files[0]?.text).toContain("command: 'node src/server.js'")
    expect(next.join('\n')).toContain('npm install --save-dev vitest vitest-plugin-perf')
  })

  it('leaves a config that is there, and says what to add', () => {
    const { files, next } = planInit(
      facts({ config: 'vite.config.ts', manifest: { scripts: { start: 'tsx src/main.ts' } } }),
    )
    expect(files.map(({ path }) => path)).toEqual(['perf/first.perf.ts'])
    expect(next.join('\n')).toMatch(/add to vite\.config\.ts:[^]*command: 'npm start'/)
  })

  it('takes the command of the start script where that is a plain one', () => {
    const { files } = planInit(facts({ manifest: { scripts: { start: "node 'my server.js'" } } }))
    expect(files[0]?.text).toContain(`command: 'node \\'my server.js\\''`)
  })

  it('asks and writes nothing twice', () => {
    expect(paths({ config: 'vitest.config.mts', taken: ['perf/first.perf.ts'] })).toEqual([])
    expect(paths({ typescript: false })).toEqual(['vitest.config.mts', 'perf/first.perf.js'])
    const known = { vitest: '^4.1.0', 'vitest-plugin-perf': '^0.1.0' }
    expect(planInit(facts({ manifest: { devDependencies: known } })).next.join('\n')).not.toContain('npm install')
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
  ])('says what is wrong with package.json %s', (text, message) => {
    if (text !== undefined) writeFileSync(join(folder, 'package.json'), text)
    const { status, stderr } = run('init')
    expect(status).toBe(1)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('    at ')
  })

  it('says which command is unknown', () => {
    const { status, stderr } = run('innit')
    expect(status).toBe(1)
    expect(stderr).toContain('Unknown command `innit`')
  })
})
