import { isDependency, isUserCode } from './code-owner.ts'

/** V8's CPU profile (`Profiler.stop`), as far as it is read here. Lines and columns count from 0. */
export interface CpuProfile {
  readonly nodes: readonly CpuNode[]
  /** Microseconds on V8's monotonic clock. */
  readonly startTime: number
  readonly endTime: number
  readonly samples?: readonly number[]
  /** Microseconds from the sample before (the first: from the start). */
  readonly timeDeltas?: readonly number[]
}

export interface CpuNode {
  readonly id: number
  readonly callFrame: CpuFrame
  readonly children?: readonly number[]
}

export interface CpuFrame {
  readonly functionName: string
  readonly scriptId: string
  readonly url: string
  readonly lineNumber: number
  readonly columnNumber: number
}

export type CodeOwner = 'own' | 'dependency' | 'node'

/** Time of one function in microseconds. */
export interface FunctionTime {
  readonly frame: CpuFrame
  readonly code: CodeOwner
  self: number
  total: number
  /** Time that this function of the project answers for: up to the next function of the project, or Node's transport, that it calls. */
  attributed: number
  /** `attributed` by the outermost function of others that it called. */
  readonly callees: Map<CpuFrame, number>
  /** Collections that followed it. */
  garbage: number
}

/** Where the time of a profile went, in microseconds. */
export interface CpuTimes {
  readonly user: number
  readonly idle: number
  readonly gc: number
  readonly functions: readonly FunctionTime[]
}

function ownerOf({ url, functionName }: CpuFrame): CodeOwner {
  if (functionName.startsWith('RegExp: ')) return 'dependency'
  if (!isUserCode(url)) return 'node'
  return isDependency(url) ? 'dependency' : 'own'
}

/** Node's own transport of HTTP, sockets and promises: nobody's function answers for it. */
const TRANSPORT =
  /^node:(?:_http|http|https|net|_tls|tls|internal\/(?:http|stream|streams|tls|net|dtrace|deps\/undici|async_hooks|async_local_storage|timers|process|promise_hooks|per_context)|_stream|stream|async_hooks|timers|diagnostics_channel)/

function isTransport({ url }: CpuFrame): boolean {
  return TRANSPORT.test(url)
}

function keyOf({ scriptId, lineNumber, columnNumber, functionName }: CpuFrame): string {
  return scriptId === '0' ? functionName : `${scriptId}:${lineNumber}:${columnNumber}`
}

interface Path {
  /** From the outermost to the innermost function, each once. */
  readonly functions: readonly FunctionTime[]
  readonly innermost: FunctionTime | undefined
  readonly own: FunctionTime | undefined
  /** The first function of others below `own`. */
  readonly callee: CpuFrame | undefined
  readonly kind: 'root' | 'idle' | 'gc' | 'program' | 'code'
}

const KINDS: Record<string, Path['kind']> = {
  '(root)': 'root',
  '(idle)': 'idle',
  '(garbage collector)': 'gc',
  '(program)': 'program',
}

/** A call tree with the path of each node worked out once. */
class CallTree {
  readonly functions = new Map<string, FunctionTime>()
  readonly #paths = new Map<number, Path>()

  constructor(nodes: readonly CpuNode[]) {
    const byId = new Map(nodes.map((node) => [node.id, node]))
    const children = new Set(nodes.flatMap(({ children: ids = [] }) => ids))
    const pending = nodes.filter(({ id }) => !children.has(id)).map((node) => ({ node, path: EMPTY }))
    for (let entry = pending.pop(); entry; entry = pending.pop()) {
      const path = this.#extend(entry.path, entry.node.callFrame)
      this.#paths.set(entry.node.id, path)
      for (const id of entry.node.children ?? []) {
        const node = byId.get(id)
        if (node) pending.push({ node, path })
      }
    }
  }

  path(id: number): Path {
    return this.#paths.get(id) ?? EMPTY
  }

  #extend(path: Path, frame: CpuFrame): Path {
    const kind = frame.url === '' ? KINDS[frame.functionName] : undefined
    if (kind) return { ...path, kind }
    const innermost = this.#functionOf(frame)
    const functions = path.functions.includes(innermost) ? path.functions : [...path.functions, innermost]
    if (isTransport(frame)) return { functions, innermost, own: undefined, callee: undefined, kind: 'code' }
    if (innermost.code === 'own') return { functions, innermost, own: innermost, callee: undefined, kind: 'code' }
    return { functions, innermost, own: path.own, callee: path.callee ?? innermost.frame, kind: 'code' }
  }

  #functionOf(frame: CpuFrame): FunctionTime {
    const key = keyOf(frame)
    let known = this.functions.get(key)
    if (!known) {
      known = { frame, code: ownerOf(frame), self: 0, total: 0, attributed: 0, callees: new Map(), garbage: 0 }
      this.functions.set(key, known)
    }
    return known
  }
}

const EMPTY: Path = { functions: [], innermost: undefined, own: undefined, callee: undefined, kind: 'root' }

/** Microseconds that each sample stands for: until the next one. */
function weights({ samples = [], timeDeltas = [], startTime, endTime }: CpuProfile): number[] {
  let at = startTime
  const times = samples.map((_, index) => (at += timeDeltas[index] ?? 0))
  return times.map((time, index) => Math.max(0, (times[index + 1] ?? endTime) - time))
}

/**
 * Where the time of a profile went. What a dependency or a module of Node took counts for the function of the project that
 * called it; a collection counts for the one that ran before it.
 */
export function cpuTimes(profile: CpuProfile): CpuTimes {
  const tree = new CallTree(profile.nodes)
  const time = weights(profile)
  let [user, idle, gc] = [0, 0, 0]
  let before: FunctionTime | undefined
  for (const [index, id] of (profile.samples ?? []).entries()) {
    const path = tree.path(id)
    const spent = time[index] ?? 0
    if (path.kind === 'idle') idle += spent
    else if (path.kind === 'gc') {
      gc += spent
      if (before) before.garbage += spent
    } else {
      user += spent
      before = path.own ?? before
      addTime(path, spent)
    }
  }
  return { user, idle, gc, functions: [...tree.functions.values()].filter(({ total }) => total > 0) }
}

function addTime({ functions, innermost, own, callee }: Path, spent: number): void {
  if (innermost) innermost.self += spent
  for (const called of functions) called.total += spent
  if (!own) return
  own.attributed += spent
  if (callee) own.callees.set(callee, (own.callees.get(callee) ?? 0) + spent)
}

/** A function within the calls that led to it, and the microseconds spent in it and below. */
export interface CallNode {
  readonly frame: CpuFrame
  readonly code: CodeOwner
  time: number
  readonly children: CallNode[]
}

/** The tree of calls without branches that took less than `least` (0 to 1) of the time that was not idle. */
export function callTree(profile: CpuProfile, least: number): CallNode[] {
  const time = new Map<number, number>()
  const spent = weights(profile)
  for (const [index, id] of (profile.samples ?? []).entries()) time.set(id, (time.get(id) ?? 0) + (spent[index] ?? 0))
  const byId = new Map(profile.nodes.map((node) => [node.id, node]))
  const build = (node: CpuNode): CallNode => {
    const children = (node.children ?? []).flatMap((id) => byId.get(id) ?? []).map(build)
    const below = children.reduce((sum, child) => sum + child.time, 0)
    return { frame: node.callFrame, code: ownerOf(node.callFrame), time: below + (time.get(node.id) ?? 0), children }
  }
  const [root] = profile.nodes.filter(({ callFrame }) => callFrame.functionName === '(root)').map(build)
  const busy = (root?.children ?? []).filter(({ frame }) => frame.functionName !== '(idle)')
  const limit = busy.reduce((sum, node) => sum + node.time, 0) * least
  const prune = (nodes: readonly CallNode[]): CallNode[] =>
    nodes
      .filter((node) => node.time >= limit && node.time > 0)
      .map((node) => ({ ...node, children: prune(node.children) }))
  return prune(busy)
}

/**
 * The stack that took most of the time between two moments (microseconds on the profile's clock), from the innermost frame outwards;
 * empty where collections took more.
 */
export function heaviestStack(profile: CpuProfile, from: number, to: number): CpuFrame[] {
  const tree = new CallTree(profile.nodes)
  const time = weights(profile)
  const spent = new Map<Path, number>()
  let at = profile.startTime
  for (const [index, id] of (profile.samples ?? []).entries()) {
    at += profile.timeDeltas?.[index] ?? 0
    if (at < from || at > to) continue
    const path = tree.path(id)
    if (path.kind === 'code' || path.kind === 'gc') spent.set(path, (spent.get(path) ?? 0) + (time[index] ?? 0))
  }
  const [heaviest] = [...spent].toSorted(([, a], [, b]) => b - a)
  return (heaviest?.[0].functions ?? []).toReversed().map(({ frame }) => frame)
}
