import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const snippets = [...readme.matchAll(/\]\((examples\/\S+)\)[^\n]*\n\n```ts\n([^]*?)```/g)].map(([, file, code]) => ({
  file: file ?? '',
  code: code ?? '',
}))
const links = [...readme.matchAll(/\]\(((?!https?:)[^)#]+)/g)].map(([, path]) => path ?? '')

test('every TypeScript snippet of the README names the example it comes from', () => {
  expect(snippets.length).toBeGreaterThan(1)
  expect(readme.match(/```ts\n/g)).toHaveLength(snippets.length)
})

test.each(snippets)('a snippet stands in $file as it is', ({ file, code }) => {
  expect(readFileSync(join(root, file), 'utf8')).toContain(code.trim())
})

test.each(links)('%s is there', (path) => {
  expect(existsSync(join(root, path))).toBe(true)
})
