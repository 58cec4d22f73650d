// The reference as files, made from the sources alone.
import { dirname, join } from 'node:path'
import { root } from '../tool.mjs'
import { cellText, membersOf, renderDeclaration } from './declaration.mjs'
import { readSources } from './model.mjs'
import { PAGES } from './pages.mjs'

const ENTRIES = {
  'vitest-plugin-perf': 'index.ts',
  'vitest-plugin-perf/plugin': 'plugin.ts',
  'vitest-plugin-perf/reporter': 'reporter.ts',
}
const NOTE = '<!-- Written by `npm run docs` from the TSDoc in src/. Change it there. -->'

/** Returns the text of each page by its file name, and what is missing in the sources. */
export function makeReference() {
  const sources = readSources()
  const exported = publicNames(sources)
  const pages = withTheRest(PAGES, exported)
  const links = new Map(pages.flatMap(({ file, names }) => names.map((name) => [name, { file }])))
  const find = (name, file) => {
    const own = sources.modules.get(join(root, file))?.declarations.get(name)
    return own ?? [...sources.modules.values()].map(({ declarations }) => declarations.get(name)).find(Boolean)
  }
  const isPublic = (code) => hiddenTypes(sources, exported, code).length === 0
  const files = new Map(
    pages.map((page) => {
      const context = { page: page.file, links, find, isPublic }
      const parts = [
        `# ${page.title}`,
        NOTE,
        page.intro,
        ...(page.matchers ? [matchersOf(sources)] : []),
        ...(page.errorCodes ? [errorCodes(sources)] : []),
        ...(page.variables ? [variables(sources)] : []),
        ...(page.commands ? [commands(sources)] : []),
        ...page.names.map((name) => renderDeclaration({ ...exported.get(name).declaration, name }, context)),
      ]
      return [page.file, `${parts.map((part) => part.trim()).join('\n\n')}\n`]
    }),
  )
  files.set('README.md', indexPage(pages, exported))
  return { files, problems: findProblems(sources, exported, files) }
}

/** Exported names with their declarations and entry. */
function publicNames(sources) {
  const names = new Map()
  for (const [entry, file] of Object.entries(ENTRIES)) {
    for (const [name, declaration] of sources.exportsOf(join(root, 'src', file))) {
      if (name !== 'default') names.set(name, { entry, declaration })
    }
  }
  return names
}

/** Puts names that no page lists at the end of the page that has others of the same file, or of the same folder. */
function withTheRest(pages, exported) {
  const listed = new Map(pages.flatMap(({ file, names }) => names.map((name) => [name, file])))
  const gone = [...listed.keys()].filter((name) => !exported.has(name))
  if (gone.length > 0) throw new Error(`scripts/reference/pages.mjs lists ${gone.join(', ')}, which nothing exports`)
  const homeOf = (source) =>
    [...listed].find(([name]) => exported.get(name).declaration.source?.file === source)?.[1] ??
    [...listed].find(([name]) => dirname(exported.get(name).declaration.source?.file ?? '') === dirname(source))?.[1] ??
    pages[0].file
  const more = [...exported].filter(([name]) => !listed.has(name))
  return pages.map((page) => ({
    ...page,
    names: [
      ...page.names,
      ...more
        .filter(([, { declaration }]) => homeOf(declaration.source?.file ?? '') === page.file)
        .map(([name]) => name),
    ],
  }))
}

function declarationOf(sources, file, name) {
  return sources.modules.get(join(root, 'src', file)).declarations.get(name)
}

function rowsTable(head, rows) {
  return [
    `| ${head.join(' | ')} |`,
    `|${' --- |'.repeat(head.length)}`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n')
}

function errorCodes(sources) {
  const { node, source } = declarationOf(sources, 'errors.ts', 'PerfErrorCode')
  const classes = new Map(
    [...source.text.matchAll(/^export class (\w+)[^]*?super\('(PERF_\w+)'/gm)].map(([, name, code]) => [code, name]),
  )
  const rows = node.typeAnnotation.types.map(({ literal, start }) => {
    const name = classes.get(literal.value) ?? 'PerfError'
    // The bar of a union stands between a member and its comment.
    const doc = source.docAt(source.text.lastIndexOf('|', start))
    return [`\`${literal.value}\``, `[\`${name}\`](#${name.toLowerCase()})`, cellText(doc)]
  })
  return rowsTable(['code', 'class', 'when'], rows)
}

function matchersOf(sources) {
  const { program, source } = sources.modules.get(join(root, 'src/vitest/matchers.ts'))
  const found = []
  const visit = (node) => {
    if (Array.isArray(node)) for (const item of node) visit(item)
    else if (node && typeof node === 'object') {
      if (node.type === 'TSInterfaceDeclaration' && node.id.name === 'Assertion')
        found.push(...membersOf(node.body.body, source))
      else for (const value of Object.values(node)) visit(value)
    }
  }
  visit(program.body)
  return rowsTable(
    ['matcher', 'type', 'passes when'],
    found.map(({ name, type, description }) => [`\`${name}\``, `\`${type.replaceAll('|', '\\|')}\``, description]),
  )
}

function variables(sources) {
  const { node, source } = declarationOf(sources, 'settings.ts', 'VARIABLES')
  const init = node.declarations[0].init
  const rows = (init.expression ?? init).properties.map(({ value, start }) => [
    `\`${value.value}\``,
    cellText(source.docAt(start)),
  ])
  const known = new Set(rows.map(([name]) => name))
  for (const { declarations } of sources.modules.values()) {
    for (const { node: other, doc } of declarations.values()) {
      const value = other.declarations?.[0]?.init?.value
      if (typeof value !== 'string' || !/^VITEST_PERF_[A-Z_]+$/.test(value) || known.has(`\`${value}\``)) continue
      rows.push([`\`${value}\``, cellText(doc)])
    }
  }
  const others = [
    [
      '`NODE_DEBUG=vitest-perf`',
      'Prints to stderr what is decided in silence, and keeps frames of this package in stacks.',
    ],
    ['`CI`', 'Where it is set (and not `false` or `0`), an inconclusive leak verdict fails `not.toLeakMemory()`.'],
    ['`GITHUB_ACTIONS=true`', 'The reporter writes annotations and a job summary.'],
    ['`PORT`, `HOST`', 'Set in the environment of each server that is started.'],
  ]
  return rowsTable(['variable', 'meaning'], [...rows, ...others])
}

function commands(sources) {
  const { text } = sources.modules.get(join(root, 'src/cli/main.ts')).source
  const calls = [...text.matchAll(/\.(command|option)\(\s*'([^']+)',\s*(['"`])([^]*?)\3/g)]
  const rows = calls.map(([, kind, name, , description]) => [
    kind === 'command' ? `\`npx vitest-plugin-perf ${name}\`` : `\`${name}\``,
    description,
  ])
  return `## Commands\n\n${rowsTable(['command or option', 'what it does'], rows)}`
}

function indexPage(pages, exported) {
  const subjects = pages.map(
    ({ file, title, intro }) => `| [${title}](${file}) | ${intro.split(' The guide is ')[0]} |`,
  )
  const at = new Map(pages.flatMap(({ file, names }) => names.map((name) => [name, file])))
  const names = [...exported].map(([name, { entry }]) => ({ name, entry })).sort((a, b) => (a.name < b.name ? -1 : 1))
  const lists = Object.keys(ENTRIES).map((entry) => {
    const links = names
      .filter((one) => one.entry === entry)
      .map(({ name }) => `- [\`${name}\`](${at.get(name)}#${name.toLowerCase()})`)
    return `## \`${entry}\`\n\n${links.join('\n')}`
  })
  return `${[
    '# Reference',
    NOTE,
    'Times are milliseconds, sizes are bytes, rates are per second, shares are 0 to 1, unless a name says otherwise.',
    ['| page | |', '| --- | --- |', ...subjects].join('\n'),
    ...lists,
  ].join('\n\n')}\n`
}

/** The keys of all objects that options are checked against. */
function optionKeys(sources) {
  const keys = new Set()
  const visit = (node) => {
    if (Array.isArray(node)) for (const item of node) visit(item)
    else if (node && typeof node === 'object') {
      if (node.type === 'CallExpression' && node.callee.property?.name === 'strictObject') {
        for (const { key } of node.arguments[0].properties ?? []) if (key) keys.add(key.name ?? key.value)
      }
      for (const value of Object.values(node)) visit(value)
    }
  }
  for (const { program } of sources.modules.values()) visit(program.body)
  return keys
}

/** Types in `code` that are declared in `src` and that nobody can import. */
function hiddenTypes(sources, exported, code) {
  const declared = new Set()
  const parameters = new Set(['Record'])
  for (const { declarations } of sources.modules.values()) {
    for (const [name, { node }] of declarations) {
      if (/^TS(Interface|TypeAlias)Declaration$/.test(node.type)) declared.add(name)
      for (const parameter of node.typeParameters?.params ?? []) parameters.add(parameter.name.name)
    }
  }
  const mentioned = new Set(code.match(/\b[A-Z]\w+/g) ?? [])
  return [...mentioned].filter((name) => declared.has(name) && !exported.has(name) && !parameters.has(name))
}

/** What a reader would miss: types that are mentioned and cannot be imported, options and variables without a row, empty cells. */
function findProblems(sources, exported, files) {
  const text = [...files.values()].join('\n')
  const problems = []
  const types = [
    ...text.matchAll(/^\| `(?:[^|\\]|\\.)*` \| \[?(`(?:[^`])*`)/gm),
    ...text.matchAll(/```ts\n(type|function)[^]*?```/g),
  ]
  for (const name of hiddenTypes(sources, exported, types.join('\n'))) {
    problems.push(`${name} stands in a public type, and is not exported from src/index.ts`)
  }
  for (const [file, page] of files) {
    for (const [, name] of page.matchAll(/^\| (`[^`]+`) \|(?:(?:[^|\\]|\\.)*\|)? +\|$/gm)) {
      problems.push(`${file}: ${name} has no description; write its TSDoc`)
    }
  }
  for (const name of optionKeys(sources)) {
    if (!new RegExp(`^\\| \`(?:\\w+\\.)*${name}\\??\` \\|`, 'm').test(text))
      problems.push(`the option \`${name}\` has no row`)
  }
  for (const { source } of sources.modules.values()) {
    for (const [name] of source.text.matchAll(/\bVITEST_PERF_[A-Z_]+/g)) {
      if (!text.includes(`\`${name}\``)) problems.push(`${source.file}: ${name} stands on no page`)
    }
  }
  return [...new Set(problems)]
}
