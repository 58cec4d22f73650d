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
  /** Time in this function of a dependency, and below it, that no function of the project answers for: a framework called it. */
  unowned: number
}

/** Where the time of a profile went, in microseconds. */
export interface CpuTimes {
  readonly user: number
  readonly idle: number
  readonly gc: number
  readonly functions: readonly FunctionTime[]
  /** The innermost function of a dependency that has most of the time for which no function of the project answers. */
  readonly unowned: FunctionTime | undefined
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
  /** Functions of dependencies that no function of the project called, from the outermost inwards. */
  readonly unowned: readonly FunctionTime[]
  readonly kind: 'root' | 'idle' | 'gc' | 'program' | 'code'
}

const KINDS: Record<string, Path['kind']> = {
  '(root)': 'root',
  '(idle)': 'idle',
  '(garbage collector)': 'gc',
  '(program)': 'program',
}

/** A call tree with the path of each node that is asked for, worked out once: a recursive program may have a million nodes. */
class CallTree {
  readonly functions = new Map<string, FunctionTime>()
  readonly #frames = new Map<number, CpuFrame>()
  readonly #parents = new Map<number, number>()
  readonly #paths = new Map<number, Path>()

  constructor(nodes: readonly CpuNode[]) {
    for (const { id, callFrame, children = [] } of nodes) {
      this.#frames.set(id, callFrame)
      for (const child of children) this.#parents.set(child, id)
    }
  }

  path(id: number): Path {
    let path = this.#paths.get(id)
    if (!path) {
      path = this.#framesTo(id).reduce((outer, frame) => this.#extend(outer, frame), EMPTY)
      this.#paths.set(id, path)
    }
    return path
  }

  /** From the outermost frame inwards. */
  #framesTo(id: number): CpuFrame[] {
    const frames: CpuFrame[] = []
    for (let at: number | undefined = id; at !== undefined; at = this.#parents.get(at)) {
      const frame = this.#frames.get(at)
      if (frame) frames.push(frame)
    }
    return frames.toReversed()
  }

  #extend(path: Path, frame: CpuFrame): Path {
    const kind = frame.url === '' ? KINDS[frame.functionName] : undefined
    if (kind) return { ...path, kind }
    const innermost = this.#functionOf(frame)
    const functions = path.functions.includes(innermost) ? path.functions : [...path.functions, innermost]
    if (isTransport(frame))
      return { functions, innermost, own: undefined, callee: undefined, unowned: [], kind: 'code' }
    if (innermost.code === 'own')
      return { functions, innermost, own: innermost, callee: undefined, unowned: [], kind: 'code' }
    const isUnowned =
      !path.own && innermost.code === 'dependency' && frame.url !== '' && !path.unowned.includes(innermost)
    const unowned = isUnowned ? [...path.unowned, innermost] : path.unowned
    return { functions, innermost, own: path.own, callee: path.callee ?? innermost.frame, unowned, kind: 'code' }
  }

  #functionOf(frame: CpuFrame): FunctionTime {
    const key = keyOf(frame)
    let known = this.functions.get(key)
    if (!known) {
      known = {
        frame,
        code: ownerOf(frame),
        self: 0,
        total: 0,
        attributed: 0,
        callees: new Map(),
        garbage: 0,
        unowned: 0,
      }
      this.functions.set(key, known)
    }
    return known
  }
}

const EMPTY: Path = {
  functions: [],
  innermost: undefined,
  own: undefined,
  callee: undefined,
  unowned: [],
  kind: 'root',
}

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
  const paths = new Set<Path>()
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
      if (path.unowned.length > 0) paths.add(path)
      addTime(path, spent)
    }
  }
  const functions = [...tree.functions.values()].filter(({ total }) => total > 0)
  return { user, idle, gc, functions, unowned: innermostUnowned(paths) }
}

/** A function of a dependency answers for its time alone if it has most of what no function of the project answers for. */
const MOST = 0.6

/** The innermost function that has most of the time for which no function of the project answers. */
function innermostUnowned(paths: ReadonlySet<Path>): FunctionTime | undefined {
  const most = Math.max(0, ...[...paths].flatMap(({ unowned }) => unowned[0]?.unowned ?? 0))
  let found: { called: FunctionTime; depth: number } | undefined
  for (const { unowned } of paths) {
    const depth = unowned.findLastIndex(({ unowned: time }) => time >= most * MOST)
    const called = unowned[depth]
    if (called && depth > (found?.depth ?? -1)) found = { called, depth }
  }
  return found?.called
}

function addTime({ functions, innermost, own, callee, unowned }: Path, spent: number): void {
  if (innermost) innermost.self += spent
  for (const called of functions) called.total += spent
  for (const called of unowned) called.unowned += spent
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
  const byId = new Map(profile.nodes.map((node) => [node.id, node]))
  const time = timeWithin(profile)
  const spentIn = (id: number): number => time.get(id) ?? 0
  const [root] = profile.nodes.filter(({ callFrame }) => callFrame.functionName === '(root)')
  const busy = (root?.children ?? []).filter((id) => byId.get(id)?.callFrame.functionName !== '(idle)')
  const limit = busy.reduce((sum, id) => sum + spentIn(id), 0) * least
  const build = (ids: readonly number[]): CallNode[] =>
    ids
      .filter((id) => spentIn(id) >= limit && spentIn(id) > 0)
      .flatMap((id) => byId.get(id) ?? [])
      .map(({ id, callFrame, children = [] }) => ({
        frame: callFrame,
        code: ownerOf(callFrame),
        time: spentIn(id),
        children: build(children),
      }))
  return build(busy)
}

/** Microseconds in each node and below it. */
function timeWithin(profile: CpuProfile): Map<number, number> {
  const parents = new Map<number, number>()
  for (const { id, children = [] } of profile.nodes) for (const child of children) parents.set(child, id)
  const inNode = new Map<number, number>()
  const spent = weights(profile)
  for (const [index, id] of (profile.samples ?? []).entries())
    inNode.set(id, (inNode.get(id) ?? 0) + (spent[index] ?? 0))
  const within = new Map<number, number>()
  for (const [id, time] of inNode) {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at))
      within.set(at, (within.get(at) ?? 0) + time)
  }
  return within
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
