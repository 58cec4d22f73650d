// One declaration as Markdown: its TSDoc, then a table of its members or its code.
import { codeOf } from './model.mjs'

const FORMS = {
  TSInterfaceDeclaration: (declaration, context) => {
    const { node, source } = declaration
    const rows = [...inherited(declaration, context), ...membersOf(node.body.body, source)]
    return [extendsLine(declaration, context), table(rows, context)]
  },
  TSTypeAliasDeclaration: ({ node, source }, context) => {
    const { typeAnnotation: type } = node
    if (type.type === 'TSTypeLiteral') return [table(membersOf(type.members, source), context)]
    const code = `type ${node.id.name}${optional(source, node.typeParameters)} =${formatted(type, source, context)}`
    // Arithmetic on types says nothing to a reader: the TSDoc does.
    return context.isPublic(code) ? [typescript(code)] : []
  },
  ClassDeclaration: (declaration, context) => {
    const { node, source } = declaration
    const base = node.superClass ? [`Extends ${linked(codeOf(source, node.superClass), context)}.`] : []
    const members = node.body.body.filter(
      ({ type, key, accessibility, kind, override }) =>
        (type === 'MethodDefinition' || type === 'PropertyDefinition') &&
        key.type === 'Identifier' &&
        accessibility !== 'private' &&
        kind !== 'constructor' &&
        !override &&
        // Vitest's own hooks, which only Vitest calls.
        !/^on[A-Z]/.test(key.name),
    )
    return [...base, table(membersOf(members, source), context)]
  },
  FunctionDeclaration: ({ node, source }) => [
    typescript(
      `function ${node.id.name}${optional(source, node.typeParameters)}(${parametersOf(source, node)})${returned(source, node)}`,
    ),
  ],
  VariableDeclaration: ({ node, source }) => {
    const [{ id }] = node.declarations
    return [typescript(`const ${id.name}${id.typeAnnotation ? codeOf(source, id.typeAnnotation) : ''}`)]
  },
}

/**
 * Renders a declaration. `context` is `{ page, links, find }`: the page it stands on, where each name stands, and declarations by
 * name and module for what is inherited from something that is not exported.
 */
export function renderDeclaration(declaration, context) {
  const { name, foreign, doc } = declaration
  if (foreign) return `## ${name}\n\nVitest's own \`${name}\`, for one import fewer.\n`
  const { text, examples, throws } = parseDoc(doc)
  const form = FORMS[declaration.node.type]
  if (!form) throw new Error(`${name}: no form for a ${declaration.node.type}`)
  const parts = [`## ${name}`, text, ...examples, ...form(declaration, context), throws]
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

/** Members as rows: `{ name, type, description }`. Members of an inline object that has descriptions of its own are rows too. */
export function membersOf(members, source, prefix = '') {
  return members.flatMap((member) => {
    const name = prefix + nameOf(member, source)
    const doc = source.docAt(member.start)
    if (doc.includes('@internal')) return []
    const type = member.typeAnnotation?.typeAnnotation ?? member.value?.returnType
    const literal = type?.type === 'TSTypeLiteral' && type.members.some(({ start }) => source.docAt(start))
    return [
      { name, type: literal ? '' : typeOf(member, source), description: cellText(doc), member: name },
      ...(literal ? membersOf(type.members, source, `${prefix}${member.key.name}.`) : []),
    ]
  })
}

function nameOf(member, source) {
  const callee = member.type === 'TSMethodSignature' || member.type === 'MethodDefinition'
  const key = member.computed ? `[${codeOf(source, member.key)}]` : codeOf(source, member.key)
  if (!callee) return member.optional ? `${key}?` : key
  const owner = member.value ?? member
  return `${key}(${(owner.params ?? []).map((parameter) => parameterName(source, parameter)).join(', ')})`
}

function parameterName(source, parameter) {
  const pattern = parameter.type === 'AssignmentPattern' ? parameter.left : parameter
  const isOptional = pattern.optional || parameter.type === 'AssignmentPattern'
  return `${pattern.name ?? codeOf(source, pattern)}${isOptional ? '?' : ''}`
}

function typeOf(member, source) {
  if (member.type === 'TSMethodSignature') {
    return `${optional(source, member.typeParameters)}(${parametersOf(source, member)})${arrow(source, member.returnType)}`
  }
  if (member.type === 'MethodDefinition') {
    const { value } = member
    return `${optional(source, value.typeParameters)}(${parametersOf(source, value)})${arrow(source, value.returnType)}`
  }
  return member.typeAnnotation ? codeOf(source, member.typeAnnotation.typeAnnotation) : ''
}

const optional = (source, node) => (node ? codeOf(source, node) : '')
const arrow = (source, type) => (type ? ` => ${codeOf(source, type.typeAnnotation)}` : '')
const returned = (source, { returnType }) => (returnType ? codeOf(source, returnType) : '')
const parametersOf = (source, { params }) => params.map((parameter) => codeOf(source, parameter)).join(', ')

function formatted(type, source, context) {
  const listed = /^\(typeof (\w+)\)\[number\]$/.exec(codeOf(source, type))?.[1]
  const list = listed && context.find(listed, source.file)
  if (list) {
    const { elements } = list.node.declarations[0].init.expression
    return ` ${elements.map((element) => codeOf(list.source, element)).join(' | ')}`
  }
  if (type.type === 'TSUnionType' && codeOf(source, type).length > 80) {
    return `\n${type.types.map((one) => `  | ${codeOf(source, one)}`).join('\n')}`
  }
  return ` ${codeOf(source, type)}`
}

function typescript(code) {
  return `\`\`\`ts\n${code}\n\`\`\``
}

function extendsLine({ node, source }, context) {
  const known = (node.extends ?? []).filter(({ expression }) => context.links.has(expression.name))
  const outside = (node.extends ?? []).filter(
    ({ expression }) => !context.links.has(expression.name) && !context.find(expression.name, source.file),
  )
  const all = [...known, ...outside].map((base) => linked(codeOf(source, base), context))
  return all.length > 0 ? `All of ${all.join(' and ')}, and:` : ''
}

/** Rows of bases that are not exported: a reader cannot look them up elsewhere. */
function inherited({ node, source }, context) {
  return (node.extends ?? []).flatMap(({ expression }) => {
    const base = context.links.has(expression.name) ? undefined : context.find(expression.name, source.file)
    return base ? membersOf(base.node.body.body, base.source) : []
  })
}

function table(rows, context) {
  if (rows.length === 0) return ''
  const lines = rows.map(
    ({ name, type, description }) => `| ${codeCell(name)} | ${typeCell(type, context)} | ${description} |`,
  )
  return ['| name | type | |', '| --- | --- | --- |', ...lines].join('\n')
}

const codeCell = (text) => `\`${text.replaceAll('|', '\\|')}\``

function typeCell(type, context) {
  return type === '' ? '' : linked(type, context)
}

/** A type as code, which leads to the first type in it that has a place of its own. */
function linked(type, { page, links }) {
  const named = [...type.matchAll(/\b[A-Z]\w+/g)].map(([name]) => name).find((name) => links.has(name))
  if (!named) return codeCell(type)
  const target = links.get(named)
  return `[${codeCell(type)}](${target.file === page ? '' : target.file}#${named.toLowerCase()})`
}

/** TSDoc as `{ text, examples, throws }`. */
export function parseDoc(doc) {
  const lines = doc
    .replace(/^\*/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
  const body = lines.join('\n').trim()
  const [main, ...tags] = body.split(/^@/m)
  const examples = [...main.matchAll(/```ts\n[^]*?```/g)].map(([code]) => code)
  const throws = tags
    .filter((tag) => tag.startsWith('throws'))
    .map(
      (tag) =>
        `- ${tag
          .replace(/^throws\s+/, '')
          .replace(/^\{(\w+)\}/, '`$1`')
          .replace(/\s+/g, ' ')
          .trim()}`,
    )
  return {
    text: main
      .replace(/```ts\n[^]*?```/g, '')
      .trim()
      .replace(/\n{3,}/g, '\n\n'),
    examples,
    throws: throws.length > 0 ? `Throws:\n\n${throws.join('\n')}` : '',
  }
}

/** TSDoc as the text of a table's cell. */
export function cellText(doc) {
  const { text, throws } = parseDoc(doc)
  return [text, throws]
    .filter(Boolean)
    .join('\n')
    .replace(/^- /gm, '<br>• ')
    .replace(/\s+/g, ' ')
    .replace(/(?<!\\)\|/g, '\\|')
    .replace(/^<br>/, '')
    .trim()
}
