import type { ConstructorGrowth } from '../results/memory-result.ts'

/** A heap snapshot as V8 writes it, as far as it is needed here. */
export interface HeapSnapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[]
      readonly node_types: readonly (readonly string[] | string)[]
    }
  }
  /** Fields of all nodes, one after the other. */
  readonly nodes: readonly number[]
  readonly strings: readonly string[]
}

/** How many objects of each kind there are, and the bytes of their own (without what they refer to). */
export type HeapCensus = ReadonlyMap<string, { readonly count: number; readonly bytes: number }>

/** Names of V8's own, that are not of the program. */
const INTERNAL = /^system \/ (?!Context$|JSArrayBufferData$)|^\(|^Node \/|^C\+\+|^InternalNode$/
const RENAMED: Readonly<Record<string, string>> = {
  'system / Context': '(variables of closures)',
  'system / JSArrayBufferData': '(bytes of buffers)',
}

/** What a node is called: constructors by their names, functions by theirs, the rest by what it is. */
function kindOf(type: string, name: string): string | undefined {
  switch (type) {
    case 'object':
    case 'native':
      return RENAMED[name] ?? (name === '' || INTERNAL.test(name) ? undefined : name)
    case 'closure':
      return name === '' ? '(anonymous function)' : `function ${name}`
    case 'string':
    case 'concatenated string':
    case 'sliced string':
      return '(string)'
    case 'array':
      return '(elements and properties)'
    case 'number':
    case 'bigint':
    case 'symbol':
    case 'regexp':
      return `(${type})`
    default:
      return undefined
  }
}

/** Counts the objects of a snapshot by kind. Compiled code and V8's own records are left out. */
export function takeCensus({ snapshot, nodes, strings }: HeapSnapshot): HeapCensus {
  const { node_fields: fields, node_types: types } = snapshot.meta
  const [typeAt, nameAt, sizeAt] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field)) as [
    number,
    number,
    number,
  ]
  const names = types[typeAt] as readonly string[]
  const census = new Map<string, { count: number; bytes: number }>()
  for (let node = 0; node < nodes.length; node += fields.length) {
    const type = names[nodes[node + typeAt] as number] ?? ''
    const kind = kindOf(type, strings[nodes[node + nameAt] as number] ?? '')
    if (kind === undefined) continue
    const known = census.get(kind)
    const bytes = nodes[node + sizeAt] as number
    if (known) {
      known.count += 1
      known.bytes += bytes
    } else census.set(kind, { count: 1, bytes })
  }
  return census
}

/**
 * Returns what there is more of in `after` than in `before`, the most bytes first. Leaves out kinds that have hardly
 * grown.
 */
export function compareCensuses(before: HeapCensus, after: HeapCensus, most: number): ConstructorGrowth[] {
  const grown = [...after].map(([name, { count, bytes }]) => {
    const known = before.get(name) ?? { count: 0, bytes: 0 }
    return { name, count: count - known.count, bytes: bytes - known.bytes }
  })
  const all = grown.reduce((sum, { bytes }) => sum + Math.max(0, bytes), 0)
  return grown
    .filter(({ count, bytes }) => count > 0 && bytes > all / 100)
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, most)
}
