// Reads the declarations of `src` with their TSDoc. The parser is oxc's, which sees what the compiler sees without checking types.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseSync } from 'oxc-parser'
import { root } from '../tool.mjs'

/**
 * Reads every module of `src`.
 *
 * @returns {{ modules: Map<string, object>, find: (file: string, name: string) => object | undefined, exportsOf: (file: string) => Map<string, object> }}
 * `exportsOf` returns the declarations that a module exports, by exported name; of `vitest` itself, `{ foreign: 'vitest' }`.
 */
export function readSources() {
  const src = join(root, 'src')
  const files = readdirSync(src, { recursive: true }).filter((name) => /(?<!\.d)\.ts$/.test(name))
  const modules = new Map(files.map((name) => [join(src, name), readModule(join(src, name))]))
  const exportsOf = (file) => {
    const found = new Map()
    const module = modules.get(file)
    for (const [name, { isExported }] of module.declarations) {
      if (isExported) found.set(name, module.declarations.get(name))
    }
    for (const { name, exported, source } of module.reexports) {
      if (!existsSync(source)) {
        found.set(exported, { name: exported, foreign: source })
        continue
      }
      const others = exportsOf(source)
      if (name === '*') for (const [key, value] of others) found.set(key, value)
      else if (others.has(name)) found.set(exported, others.get(name))
    }
    return found
  }
  return { modules, exportsOf }
}

function readModule(file) {
  const text = readFileSync(file, 'utf8')
  const { program, comments } = parseSync(file, text)
  const source = { file: relative(root, file), text, docAt: docFinder(text, comments) }
  const declarations = new Map()
  const reexports = []
  for (const node of program.body) {
    if (node.type === 'ExportAllDeclaration') {
      reexports.push({ name: '*', source: join(dirname(file), node.source.value) })
    } else if (node.type === 'ExportNamedDeclaration' && node.source) {
      const from = node.source.value.startsWith('.') ? join(dirname(file), node.source.value) : node.source.value
      for (const { local, exported } of node.specifiers) {
        reexports.push({ name: local.name, exported: exported.name, source: from })
      }
    } else {
      const isExported = node.type === 'ExportNamedDeclaration'
      const declaration = isExported ? node.declaration : node
      const id = declaration?.id ?? declaration?.declarations?.[0]?.id
      if (!id) continue
      declarations.set(id.name, { name: id.name, node: declaration, doc: source.docAt(node.start), isExported, source })
    }
  }
  return { declarations, reexports, program, source }
}

/** Finds the TSDoc that ends where a declaration begins. */
function docFinder(text, comments) {
  const byEnd = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'))
  return (start) => {
    const comment = byEnd.findLast(({ end }) => end <= start)
    return comment && text.slice(comment.end, start).trim() === '' ? comment.value : ''
  }
}

/** The text of a node on one line, without comments. */
export function codeOf({ text }, node) {
  return text
    .slice(node.start, node.end)
    .replace(/\/\*[^]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/\s+/g, ' ')
    .replace(/([[({<]) /g, (_, open) => (open === '{' ? '{ ' : open))
    .replace(/,? ([\])>])(?!=)/g, '$1')
    .trim()
}
