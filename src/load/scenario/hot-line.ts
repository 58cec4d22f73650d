import type { Profiler } from 'node:inspector'
import { parse } from 'node:path'

/** Where in a source a position of the bundle comes from. Lines from 1. */
export interface SourcePosition {
  readonly file: string
  readonly line: number
}

/** The line of a scenario that costs most. */
export interface HotLine extends SourcePosition {
  readonly functionName: string
  /** Of the time in which the process was busy, 0 to 1. */
  readonly share: number
  /** Of all time that was recorded, 0 to 1. */
  readonly shareOfAll: number
}

const UNCOUNTED = new Set(['(idle)', '(root)'])

/** The share of all samples in which the process was busy, 0 to 1. */
export function busyShare({ nodes }: Profiler.Profile): number {
  const [busy, all] = countTicks(nodes)
  return all === 0 ? 0 : busy / all
}

function countTicks(nodes: readonly Profiler.ProfileNode[]): [busy: number, all: number] {
  let busy = 0
  let all = 0
  for (const { hitCount = 0, callFrame } of nodes) {
    all += hitCount
    if (!UNCOUNTED.has(callFrame.functionName)) busy += hitCount
  }
  return [busy, all]
}

interface FunctionTicks {
  readonly functionName: string
  readonly position: SourcePosition
  own: number
  total: number
  /** By line of the bundle, from 1. */
  readonly lines: Map<number, number>
}

/**
 * The line that costs most, of a CPU profile. What a function of the scenario calls outside of it (packages, Node) is its own cost. `positionOf`
 * maps a position of the bundle (from 0) to a source, and returns `undefined` for what is no source of the user's.
 */
export function hottestLine(
  profile: Profiler.Profile,
  positionOf: (url: string, line: number, column: number) => SourcePosition | undefined,
): HotLine | undefined {
  const parents = new Map<number, Profiler.ProfileNode>()
  const byId = new Map(profile.nodes.map((node) => [node.id, node]))
  for (const node of profile.nodes) {
    for (const child of node.children ?? []) parents.set(child, node)
  }
  const functions = new Map<string, FunctionTicks>()
  const [busy, all] = countTicks(profile.nodes)
  for (const node of profile.nodes) {
    const ticks = node.hitCount ?? 0
    if (ticks === 0 || UNCOUNTED.has(node.callFrame.functionName)) continue
    for (let at: Profiler.ProfileNode | undefined = byId.get(node.id); at; at = parents.get(at.id)) {
      const { url, lineNumber, columnNumber, functionName } = at.callFrame
      const position = positionOf(url, lineNumber, columnNumber)
      if (!position) continue
      const key = `${url}:${lineNumber}:${columnNumber}`
      let counts = functions.get(key)
      if (!counts) functions.set(key, (counts = { functionName, position, own: 0, total: 0, lines: new Map() }))
      counts.total += ticks
      if (at !== node) break
      counts.own += ticks
      for (const { line, ticks } of node.positionTicks ?? []) {
        counts.lines.set(line, (counts.lines.get(line) ?? 0) + ticks)
      }
      break
    }
  }
  const [key, hottest] = [...functions].sort(([, a], [, b]) => b.total - a.total)[0] ?? []
  if (key === undefined || !hottest) return undefined
  const url = key.replace(/:-?\d+:-?\d+$/, '')
  const [line] = [...hottest.lines].sort(([, a], [, b]) => b - a)[0] ?? []
  // The end of the line: its start may still belong to what stands before it.
  const exact = line !== undefined && hottest.own * 2 >= hottest.total ? positionOf(url, line - 1, 1e6) : undefined
  return {
    ...(exact ?? hottest.position),
    functionName: writtenName(hottest.functionName, hottest.position),
    share: hottest.total / busy,
    shareOfAll: hottest.total / all,
  }
}

/** Vite calls a default export without a name after its module: `shop_scenario_default` in `shop.scenario.ts`. */
function writtenName(name: string, { file }: SourcePosition): string {
  const { name: module } = parse(file)
  return name === `${module.replace(/\W/g, '_')}_default` ? 'default' : name
}
