import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive } from './folder-lock.ts'
import { readWallClock } from '../../lifecycle/real-timers.ts'

/** Trees that are kept. */
const KEPT = 3

const READY = 'ready.json'

/** One tree of the cache. */
export interface CachedTree {
  /** `tree` is in it, and our own marks. */
  readonly entry: string
  readonly tree: string
  readonly lock: string
}

/** Where the trees of a project are. */
export function cacheFolder(root: string): string {
  return join(root, 'node_modules', '.cache', 'vitest-plugin-perf', 'base')
}

/** The place of a commit that was prepared in one way. Another `prepare`, or another Node, needs another tree. */
export function placeOf(root: string, commit: string, prepare: string | undefined): CachedTree {
  const [major] = process.versions.node.split('.')
  const way = createHash('sha256')
    .update(`${prepare ?? ''}\0${major}\0${process.platform}`)
    .digest('hex')
    .slice(0, 8)
  const entry = join(cacheFolder(root), `${commit.slice(0, 12)}-${way}`)
  return { entry, tree: join(entry, 'tree'), lock: `${entry}.lock` }
}

export function isReady({ entry }: CachedTree): boolean {
  return existsSync(join(entry, READY))
}

export function markReady({ entry }: CachedTree, about: object): void {
  writeFileSync(join(entry, READY), `${JSON.stringify(about)}\n`)
}

/** Says that this process uses a tree, so that no other removes it. Returns what ends the use. */
export function useTree({ entry }: CachedTree): () => void {
  const mark = join(entry, `use-${process.pid}-${randomUUID()}`)
  writeFileSync(mark, '')
  const now = readWallClock() / 1_000
  utimesSync(join(entry, READY), now, now)
  return () => {
    try {
      unlinkSync(mark)
    } catch {
      // The cache was removed.
    }
  }
}

function isUsed(entry: string): boolean {
  return readdirSync(entry).some((name) => {
    const pid = /^use-(\d+)-/.exec(name)?.[1]
    return pid !== undefined && isAlive(Number(pid))
  })
}

/** Removes a tree. */
export function removeTree({ entry }: Pick<CachedTree, 'entry'>): void {
  rmSync(entry, { recursive: true, force: true, maxRetries: 3 })
}

/** Removes all but the trees that were used last, and those in use. */
export function pruneCache(root: string): void {
  const folder = cacheFolder(root)
  const ready = readdirSync(folder).flatMap((name) => {
    const mark = join(folder, name, READY)
    return existsSync(mark) ? [{ entry: join(folder, name), usedAt: statSync(mark).mtimeMs }] : []
  })
  ready.sort((one, other) => other.usedAt - one.usedAt)
  for (const { entry } of ready.slice(KEPT)) if (!isUsed(entry)) removeTree({ entry })
}

export function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true })
}
