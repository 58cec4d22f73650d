import type { CpuFrame, CpuNode, CpuProfile } from './cpu-samples.ts'

interface Sample {
  readonly node: number
  /** Microseconds on V8's clock. */
  readonly at: number
}

/** One profile from those of stretches that followed each other, with each `keep`th of their samples. */
export function joinStretches(profiles: readonly CpuProfile[], keep = 1): CpuProfile {
  const [first] = profiles
  const last = profiles.at(-1)
  if (!first || !last) throw new RangeError('There is no profile')
  const tree = new JoinedTree()
  const samples = profiles.flatMap((profile) => tree.add(profile)).filter((_, index) => index % keep === 0)
  return {
    nodes: tree.nodesOf(samples),
    startTime: first.startTime,
    endTime: last.endTime,
    samples: samples.map(({ node }) => node),
    timeDeltas: samples.map(({ at }, index) => at - (samples[index - 1]?.at ?? first.startTime)),
  }
}

interface JoinedNode {
  readonly id: number
  readonly callFrame: CpuFrame
  readonly parent: JoinedNode | undefined
  readonly children: Map<string, JoinedNode>
}

/** The call trees of several profiles as one: functions that were called by the same path are one node. */
class JoinedTree {
  readonly #roots = new Map<string, JoinedNode>()
  readonly #nodes: JoinedNode[] = []

  /** Adds the nodes of a profile. Returns its samples. */
  add({ nodes, startTime, samples = [], timeDeltas = [] }: CpuProfile): Sample[] {
    const parents = new Map<number, number>()
    for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id)
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
    const joined = new Map<number, JoinedNode>()
    const join = (id: number): JoinedNode | undefined => {
      const frame = frames.get(id)
      if (!frame) return undefined
      let node = joined.get(id)
      if (!node) {
        const parent = parents.get(id)
        node = this.#nodeOf(parent === undefined ? undefined : join(parent), frame)
        joined.set(id, node)
      }
      return node
    }
    let at = startTime
    return samples.flatMap((id, index) => {
      at += timeDeltas[index] ?? 0
      const node = join(id)
      return node ? { node: node.id, at } : []
    })
  }

  /** The nodes that samples are in, and those above them. */
  nodesOf(samples: readonly Sample[]): CpuNode[] {
    const hits = new Map<number, number>()
    for (const { node } of samples) hits.set(node, (hits.get(node) ?? 0) + 1)
    const needed = new Set<JoinedNode>(this.#roots.values())
    for (const id of hits.keys()) {
      for (let node = this.#nodes[id - 1]; node && !needed.has(node); node = node.parent) needed.add(node)
    }
    return [...needed]
      .toSorted((a, b) => a.id - b.id)
      .map(({ id, callFrame, children }) => ({
        id,
        callFrame,
        hitCount: hits.get(id) ?? 0,
        children: [...children.values()].filter((child) => needed.has(child)).map((child) => child.id),
      }))
  }

  #nodeOf(parent: JoinedNode | undefined, callFrame: CpuFrame): JoinedNode {
    const { functionName, scriptId, lineNumber, columnNumber } = callFrame
    const key = `${scriptId}:${lineNumber}:${columnNumber}:${functionName}`
    const siblings = parent?.children ?? this.#roots
    let node = siblings.get(key)
    if (!node) {
      node = { id: this.#nodes.length + 1, callFrame, parent, children: new Map() }
      this.#nodes.push(node)
      siblings.set(key, node)
    }
    return node
  }
}
