import { isDependency, isUserCode } from './code-owner.ts'

/** A node of V8's sampling heap profile, as far as it is read here. */
export interface AllocationNode {
  readonly callFrame: {
    readonly functionName: string
    readonly scriptId: string
    readonly url: string
    readonly lineNumber: number
    readonly columnNumber: number
  }
  readonly selfSize: number
  readonly children: readonly AllocationNode[]
}

/** Live bytes of one place; line and column count from 0, as V8 does. */
export interface RawAllocationSite {
  readonly function: string
  readonly scriptId: string
  readonly url: string
  readonly line: number
  readonly column: number
  readonly bytes: number
}

type Frame = AllocationNode['callFrame']

/**
 * Live bytes by the user's function that caused them: the innermost frame of the user's own code, or of a dependency where
 * no frame above is the user's. Descending by bytes.
 */
export function allocationSites(head: AllocationNode): { sites: RawAllocationSite[]; total: number } {
  const sites = new Map<string, { frame: Frame; bytes: number }>()
  let total = 0
  const pending: { node: AllocationNode; own?: Frame; dependency?: Frame }[] = [{ node: head }]
  for (let entry = pending.pop(); entry; entry = pending.pop()) {
    const { node } = entry
    const user = isUserCode(node.callFrame.url)
    const own = user && !isDependency(node.callFrame.url) ? node.callFrame : entry.own
    const dependency = user && isDependency(node.callFrame.url) ? node.callFrame : entry.dependency
    total += node.selfSize
    const frame = own ?? dependency
    if (frame && node.selfSize > 0) {
      const key = `${frame.scriptId}:${frame.lineNumber}:${frame.columnNumber}`
      const site = sites.get(key) ?? { frame, bytes: 0 }
      site.bytes += node.selfSize
      sites.set(key, site)
    }
    for (const child of node.children) {
      pending.push({ node: child, ...(own && { own }), ...(dependency && { dependency }) })
    }
  }
  const ranked = [...sites.values()].sort((a, b) => b.bytes - a.bytes)
  return { sites: ranked.map(({ frame, bytes }) => site(frame, bytes)), total }
}

function site(frame: Frame, bytes: number): RawAllocationSite {
  return {
    function: frame.functionName === '' ? '(anonymous)' : frame.functionName,
    scriptId: frame.scriptId,
    url: frame.url,
    line: frame.lineNumber,
    column: frame.columnNumber,
    bytes,
  }
}
