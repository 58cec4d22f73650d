import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { afterAll, describe, expect, test } from 'vitest'
import * as vite8 from 'vite'
import * as vite6 from 'vite-6'
import * as vite7 from 'vite-7'
import { bundleScenario, type ScenarioProject, type Vite } from '../../../../src/load/bundle/bundle-scenario.ts'

const VERSIONS = [
  [6, vite6],
  [7, vite7],
  [8, vite8],
] as const

const made: string[] = []
afterAll(() => Promise.all(made.map((folder) => rm(folder, { recursive: true, force: true }))))

async function project(files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'bundle-'))
  made.push(root)
  for (const [name, text] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return root
}

const FILES = {
  'src/paths.ts': `export enum Kind { Item = 'items' }\nexport const pathOf = (kind: Kind): string => '/' + kind`,
  'settings.json': '{ "factor": 21 }',
  'late.ts': `export const late = 'late' as const`,
  'packages/helpers/package.json': '{ "name": "helpers", "type": "module", "exports": "./src/index.ts" }',
  'packages/helpers/src/index.ts': `import { inner } from './inner'\nexport const help = (): string => inner satisfies string`,
  'packages/helpers/src/inner.ts': `export const inner: string = 'helped'`,
  'node_modules/common/package.json': '{ "name": "common", "main": "main.js" }',
  'node_modules/common/main.js': 'exports.folder = __dirname; exports.twice = (value) => 2 * value',
  // Loads a compiled addon, as \`bindings\` would: it must be asked for from where it is.
  'node_modules/native/package.json': '{ "name": "native", "main": "main.js", "gypfile": true }',
  'node_modules/native/main.js': `exports.load = () => { try { return require('./build/addon.node') } catch (error) { return error.code } }`,
  'vite.config.mjs': `
    export default async ({ mode }) => ({
      resolve: { alias: { '@': import.meta.dirname + '/src' } },
      define: { __MODE__: JSON.stringify(mode) },
      build: { lib: { entry: 'none.ts' }, minify: true, outDir: 'out' },
      plugins: [
        [Promise.resolve({ name: 'words', resolveId: (id) => (id === 'virtual:word' ? '\\0word' : undefined), load: (id) => (id === '\\0word' ? 'export default "written"' : undefined) })],
        false,
      ],
    })`,
  'shop.scenario.ts': `
import { createHash } from 'node:crypto'
import { readFileSync } from 'fs'
import type { VirtualUser } from 'vitest-plugin-perf'
import { Kind, pathOf } from '@/paths'
import settings, { factor } from './settings.json'
import word from 'virtual:word'
import { help } from 'helpers'
import { folder, twice } from 'common'
import native from 'native'

const { late } = await import('./late')
declare const __MODE__: string

export default async function (user: VirtualUser): Promise<unknown> {
  return [pathOf(Kind.Item), settings.factor === factor, word, help(), twice(factor), folder, native.load(), late, __MODE__,
    createHash('md5').digest('hex').length, typeof readFileSync, user.id]
}
export function fails(): never {
  throw new Error('planted')
}`,
}

/** Runs what a bundle exports as the load process does: by Node, from a file elsewhere. */
async function run(code: string, expression: string): Promise<unknown> {
  const folder = await project({ 'bundle.mjs': code })
  const script = `process.setSourceMapsEnabled(true); const bundle = await import('./bundle.mjs'); console.log(JSON.stringify(await ${expression}))`
  const args = ['--input-type=module', '--eval', script]
  return JSON.parse(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' }))
}

describe.each(VERSIONS)('Vite %i', (_, vite) => {
  const bundle = (file: string, of: ScenarioProject) => bundleScenario(file, of, async () => vite as unknown as Vite)

  test("TypeScript, the project's aliases, plugins and `define`, JSON, a workspace package, packages that stay outside", async () => {
    const root = await project(FILES)
    await symlink(join(root, 'packages/helpers'), join(root, 'node_modules/helpers'))
    const { code, exports } = await bundle(join(root, 'shop.scenario.ts'), { root })
    expect([...(exports ?? [])].sort()).toEqual(['default', 'fails'])
    expect(await run(code, 'bundle.default({ id: 7 })')).toEqual([
      '/items',
      true,
      'written',
      'helped',
      42,
      join(root, 'node_modules/common'),
      'MODULE_NOT_FOUND',
      'late',
      'test',
      32,
      'function',
      7,
    ])
    const stack = await run(code, '(() => { try { bundle.fails() } catch (error) { return error.stack } })()')
    expect(stack).toMatch(/shop\.scenario\.ts:20:\d+/)
  })

  test('a project that extends a config has its own plugins and aliases as well', async () => {
    const root = await project({
      'vite.config.mjs': `export default { plugins: [{ name: 'words', transform: (code, id) => (id.endsWith('said.ts') ? code.replace('SAID', 'written') : undefined) }] }`,
      'own/said.ts': `export const said = ['SAID', 'OWN', 'SECOND']`,
      'a.scenario.ts': `import { said } from 'mine/said'\nexport default () => said`,
    })
    const replacing = (name: string, from: string, to: string) => ({
      name,
      transform: (code: string, id: string) => (id.endsWith('said.ts') ? code.replace(from, to) : undefined),
    })
    const { code } = await bundle(join(root, 'a.scenario.ts'), {
      root,
      configFile: join(root, 'vite.config.mjs'),
      alias: [{ find: 'mine', replacement: join(root, 'own') }],
      // As the project has them: the one of the config file, and behind it two of its own, of which one is named alike.
      plugins: [
        replacing('words', 'SAID', 'twice'),
        replacing('own', 'OWN', 'own'),
        replacing('words', 'SECOND', 'second'),
      ],
    })
    expect(await run(code, 'bundle.default()')).toEqual(['written', 'own', 'second'])
  })

  test.for([
    ['a.cjs', `const { join } = require('node:path')\nexports.browse = () => join('a', 'b')`],
    ['b.js', `module.exports = { browse() { return require('./other.cjs').word } }`],
  ] as const)('a CommonJS module %s says what it exports when it runs', async ([name, text]) => {
    const root = await project({ 'package.json': '{}', [name]: text, 'other.cjs': `exports.word = 'a/b'` })
    const { code, exports } = await bundle(join(root, name), { root, configFile: false })
    expect(exports).toBeUndefined()
    expect(await run(code, 'bundle.default.browse()')).toBe('a/b')
  })

  test('a mistake in the source names file and line; what is mended is bundled anew', async () => {
    const root = await project({ 'broken.scenario.ts': 'export const fine = 1\nexport default () => {{ (\n' })
    const file = join(root, 'broken.scenario.ts')
    const error = await bundle(file, { root, configFile: false }).catch((error: Error) => error)
    expect((error as Error).message).toMatch(/broken\.scenario\.ts[\s\S]*\b[23]\b/)
    await writeFile(file, `import { value } from './value'\nexport default () => value`)
    await writeFile(join(root, 'value.ts'), 'export const value: number = 1')
    const first = await bundle(file, { root, configFile: false })
    expect(await run(first.code, 'bundle.default()')).toBe(1)
    expect(await bundle(file, { root, configFile: false })).toBe(first)
    await writeFile(join(root, 'value.ts'), 'export const value: number = 2')
    expect(await run((await bundle(file, { root, configFile: false })).code, 'bundle.default()')).toBe(2)
  })

  test('a module that is not found is told with its importer', async () => {
    const root = await project({ 'lost.scenario.ts': `import './nowhere'\nexport default () => 1` })
    const error = await bundle(join(root, 'lost.scenario.ts'), { root, configFile: false }).catch(
      (error: Error) => error,
    )
    expect((error as Error).message).toMatch(/nowhere/)
    expect((error as Error).message).toMatch(/lost\.scenario\.ts/)
  })
})

test.each(VERSIONS)('files beside a module are found, whatever runs the bundle (Vite %i)', async (_major, vite) => {
  const root = await project({
    'load/word.txt': 'beside',
    'load/text.json': '{ "text": "import.meta.url" }',
    'load/raw.js': 'import.meta.url',
    'load/shop.scenario.ts': `import { readFileSync } from 'node:fs'
import { below } from './below/more'
import { text } from './text.json'
import raw from './raw.js?raw'
const beside = readFileSync(new URL('./word.txt', import.meta.url), 'utf8')
export default async () => [beside, import.meta.dirname, import.meta.filename, 'import.meta.urls', below, text, raw.trim()]
export function fails(): never {
  throw new Error('planted')
}`,
    'load/below/more.ts': `export const below: string = import.meta.dirname`,
  })
  const file = join(root, 'load/shop.scenario.ts')
  const { code } = await bundleScenario(file, { root }, () => Promise.resolve(vite as unknown as Vite))
  expect(await run(code, 'bundle.default()')).toEqual([
    'beside',
    join(root, 'load'),
    file,
    'import.meta.urls',
    join(root, 'load/below'),
    'import.meta.url',
    'import.meta.url',
  ])
  expect(await run(code, '(() => { try { bundle.fails() } catch (error) { return error.stack } })()')).toContain(
    `${file}:8:`,
  )
})
