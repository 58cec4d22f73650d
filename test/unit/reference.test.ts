import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import exported from '../package/exports.json' with { type: 'json' }

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'docs/reference')
const pages = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))

test('the reference is what the sources say, and leaves nothing out', () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['scripts/reference.mjs', '--check'], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(stdout + stderr).toBe('')
  expect(status).toBe(0)
})

test('every exported value stands in the index and has a section', () => {
  for (const name of [...exported.index, ...exported.plugin, ...exported.reporter]) {
    const [, page] = new RegExp(`\\[\`${name}\`\\]\\(([\\w-]+\\.md)#`).exec(pages.get('README.md') ?? '') ?? []
    expect.soft(pages.get(page ?? ''), name).toContain(`## ${name}\n`)
  }
})
