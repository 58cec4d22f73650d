import type { Session } from 'node:inspector'
import { setFlagsFromString } from 'node:v8'
import { post } from './inspector-post.ts'

const [V8 = 0] = process.versions.v8.split('.').map(Number)

/**
 * Compilers whose inlined functions V8 takes for their callers in a profile: TurboFan until Node 22 (V8 12), and Maglev, which Node
 * has since then. TurboFan of Node 24 notes what it inlines while a profile is recorded.
 */
const FLAGS = [...(V8 < 13 ? ['turbo-inlining'] : []), ...(V8 >= 12 ? ['maglev-inlining'] : [])]

/** Keeps V8 from inlining functions, in all isolates of the process, while a profile is recorded. */
export async function stopInlining(session: Session): Promise<void> {
  for (const flag of FLAGS) setFlagsFromString(`--no-${flag}`)
  await discardOptimizedCode(session)
}

/** Allows V8 to inline again: the server is as fast after a profile as before. */
export async function resumeInlining(session: Session): Promise<void> {
  for (const flag of FLAGS) setFlagsFromString(`--${flag}`)
  await discardOptimizedCode(session)
}

/** V8 optimizes what is hot anew within some hundred calls. */
async function discardOptimizedCode(session: Session): Promise<void> {
  // A coverage report that the user collects in this process would end with ours.
  if (process.env['NODE_V8_COVERAGE']) return
  // No other command of the inspector does it: see Coverage::SelectMode in V8's src/debug/debug-coverage.cc.
  await post(session, 'Profiler.startPreciseCoverage', { callCount: false, detailed: false })
  await post(session, 'Profiler.stopPreciseCoverage', {})
}
