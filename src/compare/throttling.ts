import { readFileSync } from 'node:fs'

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** The file in which cgroup v2 counts how long our group was held back by its CPU limit. */
function findStatistics(): string | undefined {
  const group = /^0::(.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/'
  const candidates = [`/sys/fs/cgroup${group.replace(/\/$/, '')}/cpu.stat`, '/sys/fs/cgroup/cpu.stat']
  return candidates.find((path) => read(path)?.includes('throttled_usec'))
}

let statistics: string | undefined | null = null

/** Milliseconds that a CPU limit has held back the processes of this container so far; 0 where there is no limit, or no way to tell. */
export function readThrottling(): number {
  statistics = statistics === null ? findStatistics() : statistics
  const microseconds = statistics && /^throttled_usec (\d+)$/m.exec(read(statistics) ?? '')?.[1]
  return microseconds ? Number(microseconds) / 1_000 : 0
}
