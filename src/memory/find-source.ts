import { MemoryError } from '../errors.ts'
import { sleep } from '../lifecycle/abort.ts'
import { orNothing } from '../lifecycle/debug.ts'
import type { MemoryConfig } from './memory-options.ts'
import type { MemorySource } from './memory-source.ts'
import { knownTarget, type MemoryTarget } from './memory-target.ts'
import type { MemoryContext } from './monitor.ts'
import { OwnProcess } from './own-process.ts'
import { livingIsolates, ProbedServer } from './probed-server.ts'
import { ResidentSet } from './resident-set.ts'
import { readClock } from '../lifecycle/real-timers.ts'

/** A probe connects before its server is healthy, but its greeting may still wait for this thread: so many milliseconds at the most. */
const GREETING_LIMIT = 100

/** Returns what a watch reads from, for a `target` of its options. */
export async function findSource(
  target: MemoryConfig['target'],
  { server, watchRecords }: Pick<MemoryContext, 'server' | 'watchRecords'>,
): Promise<MemorySource> {
  const ownProcess = () => new OwnProcess(watchRecords?.('watch'))
  if (target === 'self' || target === process.pid) return ownProcess()
  if (typeof target === 'object') {
    return sourceOfServer(knownTarget(target) ?? { pid: target.pid, signal: new AbortController().signal })
  }
  if (typeof target === 'number') {
    // A start that failed is no error of a watch of something else.
    const started = orNothing('start of a server', server)
    return started?.pid === target ? sourceOfServer(started) : new ResidentSet(target, `pid ${target}`)
  }
  const known = server?.()
  if (known) return sourceOfServer(known)
  if (target === undefined) return ownProcess()
  throw new MemoryError(
    "There is no server to watch: name the `server` fixture in this test, or set `target` to 'self' or a pid",
  )
}

/** Returns the isolates of a server; its resident memory if no probe is in any of them. */
export async function sourceOfServer(target: MemoryTarget): Promise<MemorySource> {
  await target.restarted
  const until = readClock() + GREETING_LIMIT
  while (target.channel && livingIsolates(target).length === 0 && readClock() < until) await sleep(5)
  if (livingIsolates(target).length > 0) return new ProbedServer(target, 'server')
  if (target.pid === undefined) {
    throw new MemoryError(
      'The memory of a server that was given by its `url` alone cannot be read: set `target` to its pid, or let the plugin start it with `command` or `module`',
    )
  }
  return new ResidentSet(target.pid, 'server', target.signal)
}
