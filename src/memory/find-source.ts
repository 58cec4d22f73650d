import { MemoryError } from '../errors.ts'
import { sleep } from '../lifecycle/abort.ts'
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

/** What `target` means in this test. */
export async function findSource(
  target: MemoryConfig['target'] | MemoryTarget,
  { server, watchRecords }: Pick<MemoryContext, 'server' | 'watchRecords'>,
): Promise<MemorySource> {
  const ownProcess = () => new OwnProcess(watchRecords?.('watch'))
  if (target === 'self' || target === process.pid) return ownProcess()
  const known = server?.()
  if (target === undefined) return known ? serverSource(known, 'server') : ownProcess()
  if (target === 'server') {
    if (!known) {
      throw new MemoryError(
        "There is no server to watch: name the `server` fixture in this test, or set `target` to 'self' or a pid",
      )
    }
    return serverSource(known, 'server')
  }
  if (typeof target === 'number') {
    return known?.pid === target ? serverSource(known, 'server') : new ResidentSet(target, `pid ${target}`)
  }
  const own = 'signal' in target && target.signal instanceof AbortSignal ? (target as MemoryTarget) : undefined
  return serverSource(knownTarget(target) ?? own ?? { pid: target.pid, signal: new AbortController().signal }, 'server')
}

async function serverSource(target: MemoryTarget, name: string): Promise<MemorySource> {
  const until = readClock() + GREETING_LIMIT
  while (target.channel && livingIsolates(target).length === 0 && readClock() < until) await sleep(5)
  if (livingIsolates(target).length > 0) return new ProbedServer(target, name)
  if (target.pid === undefined) {
    throw new MemoryError(
      'The memory of a server that was given by its `url` alone cannot be read: set `target` to its pid, or let the plugin start it with `command` or `module`',
    )
  }
  return new ResidentSet(target.pid, name, target.signal)
}
