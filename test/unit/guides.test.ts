import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

function filesBelow(folder: string, extension: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .map((name) => join(root, folder, name))
}

const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].map((name) => join(root, name))
const pages = [...documents, ...filesBelow('docs', '.md')].map((file) => ({ file, text: readFileSync(file, 'utf8') }))

/** As GitHub makes them: lower case, spaces as hyphens, no other signs. */
function anchorsOf(text: string): string[] {
  const headings = [...text.replace(/^```[^]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)]
  return headings.map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('every link of README, guides and reference leads to a file and a heading that are there', () => {
  const broken: string[] = []
  for (const { file, text } of pages) {
    for (const [, link = ''] of text.replace(/^```[^]*?^```/gm, '').matchAll(/\]\(((?!\w+:)[^)\s]+)\)/g)) {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? file : join(dirname(file), path)
      const isBroken =
        !existsSync(target) || (anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor))
      if (isBroken) broken.push(`${relative(root, file)}: ${link}`)
    }
  }
  expect(broken).toEqual([])
})

const snippets = pages.flatMap(({ file, text }) =>
  [...text.matchAll(/\]\(([^)\s]*examples\/[^)\s]+)\)[^\n]*\n\n```\w+\n([^]*?)```/g)].map(
    ([, path = '', code = '']) => ({
      page: relative(root, file),
      example: relative(root, join(dirname(file), path)),
      code: code.trimEnd(),
    }),
  ),
)

test.each(snippets)('the snippet of $page stands in $example as it is', ({ example, code }) => {
  expect(readFileSync(join(root, example), 'utf8')).toContain(code)
})

test.each([
  'existing-project',
  'monorepo',
  'frameworks',
  'slos',
  'login-and-data',
  'github-actions',
  'coming-from-autocannon',
  'coming-from-start-server-and-test',
])('the guide %s begins with what the reader wants and a snippet that runs in CI', (name) => {
  const first = snippets.find(({ page }) => page === `docs/guides/${name}.md`)
  expect(first?.code).toMatch(/\w/)
})

/** Source text without what stands between words of a message: quotes, line breaks, backslashes and interpolations. */
function wordsOf(text: string): string {
  return text
    .replace(/\$\{[^{}]*\}/g, '…')
    .replace(/['"`]\s*\+\s*['"`]/g, '')
    .replace(/[\\'"`]/g, '')
    .replace(/\s+/g, ' ')
}

test('troubleshooting quotes messages that the package has, and names every error code', () => {
  const sources = wordsOf(
    filesBelow('src', '.ts')
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n'),
  )
  const { text } = pages.find(({ file }) => file.endsWith('troubleshooting.md')) ?? { text: '' }
  const [known = ''] = text.split('## No error')
  const quoted = [...known.matchAll(/^\| ((?:`[^`]+`(?:, | with | … )?)+) ?…? ?\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, message = '']) => message),
  )
  expect(quoted.length).toBeGreaterThan(30)
  const unknown = quoted.filter((message) =>
    wordsOf(message)
      .split('…')
      .map((part) => part.trim())
      .some((part) => part.length > 3 && !sources.includes(part.replace(/ \d\d\d( for 3 s\.?)?$/, ''))),
  )
  expect(unknown).toEqual([])
  const { text: errors } = pages.find(({ file }) => file.endsWith('reference/errors.md')) ?? { text: '' }
  const codes = [...errors.matchAll(/^\| `(PERF_\w+)` \|/gm)].map(([, code = '']) => code)
  expect(codes.length).toBeGreaterThan(8)
  for (const code of codes) expect.soft(text).toContain(`\n## \`${code}\``)
})
