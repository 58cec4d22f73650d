import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { moveIntoTree } from '../../../../src/compare/base/move-into-tree.ts'

const top = realpathSync(mkdtempSync(join(tmpdir(), 'perf-move-')))
const tree = join(top, 'node_modules/.cache/vitest-plugin-perf/base/1234-abcd/tree')
const base = { top, tree, commit: '1234567890abcdef' }
mkdirSync(join(tree, 'api'), { recursive: true })
mkdirSync(join(top, 'api'))
for (const file of ['api/.env', 'api/server.js', 'node_modules/run.js']) writeFileSync(join(top, file), '')
for (const file of ['api/server.js', 'api/both.env']) writeFileSync(join(tree, file), '')
afterAll(() => rmSync(top, { recursive: true, force: true }))

const move = (options: object, root = top) => moveIntoTree(options, root, base)

describe('the base runs in its tree', () => {
  test('in the same folder', () => {
    expect(move({ command: 'node server.js' }).options).toEqual({ command: 'node server.js', cwd: tree })
    expect(move({ cwd: 'api' }).options.cwd).toBe(join(tree, 'api'))
    expect(move({}, join(top, 'api')).options.cwd).toBe(join(tree, 'api'))
    expect(() => move({ cwd: '..' })).toThrow(/`cwd` of the base, .* is outside the repository .*, so 12345678 has no/)
  })

  test.each([
    ['./server.js', 'server.js'],
    [join(top, 'api/server.js'), 'api/server.js'],
    [pathToFileURL(join(top, 'api/server.js')).href, 'api/server.js'],
  ])('with its module %s', (module, file) => {
    expect(move({ module }).options.module).toBe(join(tree, file))
  })

  // Else base would run the code of head, and every change would hold.
  test.each([
    [`node ${top}/api/server.js --port {port}`, `node ${tree}/api/server.js --port {port}`],
    [`node "${top}/api/server.js"`, `node "${tree}/api/server.js"`],
    [`cd ${top} && node server.js`, `cd ${tree} && node server.js`],
    [`NODE_PATH=${top}/lib node ${top}/a.js`, `NODE_PATH=${tree}/lib node ${tree}/a.js`],
    // Another folder with the same beginning, and programs that were installed.
    [`node ${top}-other/server.js`, `node ${top}-other/server.js`],
    [`node /x${top}/server.js`, `node /x${top}/server.js`],
    [`${top}/node_modules/.bin/tsx server.ts`, `${top}/node_modules/.bin/tsx server.ts`],
    [`${top}/api/node_modules/.bin/tsx ${top}/server.ts`, `${top}/api/node_modules/.bin/tsx ${tree}/server.ts`],
  ])('with the paths of its command: %s', (command, moved) => {
    expect(move({ command }).options.command).toBe(moved)
  })

  test('with a file of variables that is in no commit, which is said', () => {
    const { options, notes } = move({ cwd: 'api', envFile: ['.env', 'both.env', 'nowhere.env'] })
    expect(options.envFile).toEqual([join(top, 'api/.env'), 'both.env', 'nowhere.env'])
    expect(notes).toEqual(["the commit of base has no .env: base has the variables of the working tree's"])
    expect(move({ cwd: 'api', envFile: 'both.env' }).notes).toEqual([])
  })
})
