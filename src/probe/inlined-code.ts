import type { Session } from 'node:inspector'
import { setFlagsFromString } from 'node:v8'
import { post } from './inspector-post.ts'

const [V8 = 0] = process.versions.v8.split('.').map(Number)

interface Limit {
  readonly limited: string
  readonly usual: string
}

/**
 * V8 takes the innermost function for its caller in a profile where TurboFan of Node 20 and 22 inlined it. Without any inlining,
 * servers answered 0.6 to 0.8 of the requests. So only functions of 20 bytes of bytecode at most are inlined, which have no room
 * for a loop with a body: 460 is V8's own limit. Maglev (Node 22 and later) does not note what it inlined, and is only the step
 * before TurboFan.
 */
const LIMITS: readonly Limit[] = [
  ...(V8 < 13 ? [{ limited: '--max-inlined-bytecode-size=20', usual: '--max-inlined-bytecode-size=460' }] : []),
  ...(V8 >= 12 ? [{ limited: '--no-maglev-inlining', usual: '--maglev-inlining' }] : []),
]

/**
 * Keeps V8 from inlining functions that would not answer for their own time, in all isolates of the process. V8 compiles hot code
 * anew, and notes the lines of inlined functions if the profiler is on already.
 */
export async function limitInlining(session: Session): Promise<void> {
  for (const { limited } of LIMITS) setFlagsFromString(limited)
  await discardOptimizedCode(session)
}

/** Allows V8 to inline again: the server is as fast after a profile as before. */
export async function resumeInlining(session: Session): Promise<void> {
  for (const { usual } of LIMITS) setFlagsFromString(usual)
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
