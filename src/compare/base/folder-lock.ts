import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { sleep } from '../../lifecycle/abort.ts'
import { kill } from '../../lifecycle/real-kill.ts'
import { clearInterval, readWallClock, setInterval } from '../../lifecycle/real-timers.ts'

/** Milliseconds between two signs of life, after which without one a lock is nobody's, and between two tries. */
const BEAT = 2_000
const STALE = 20_000
const RETRY = 100

interface Holder {
  readonly id: string
  readonly pid: number
}

/** A lock file that one worker of this machine holds. */
export interface FolderLock {
  /** Idempotent. */
  release(): void
}

/** Whether a process of that number runs, of whatever user. */
export function isAlive(pid: number): boolean {
  try {
    kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

function isStale(path: string, holder: Holder | undefined): boolean {
  try {
    const silent = readWallClock() - statSync(path).mtimeMs
    // Not yet written: give it a moment.
    return holder ? !isAlive(holder.pid) || silent > STALE : silent > STALE
  } catch {
    return false
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Somebody was faster.
  }
}

/** Removes the lock of a holder that is gone; not that of a waiter who was faster than we. */
function takeAway(path: string, holder: Holder | undefined): void {
  const aside = `${path}.${randomUUID()}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  if (holder && readHolder(aside)?.id !== holder.id) renameSync(aside, path)
  else unlinkQuietly(aside)
}

function tryLock(path: string): FolderLock | undefined {
  const id = randomUUID()
  try {
    writeFileSync(path, JSON.stringify({ id, pid: process.pid } satisfies Holder), { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
  const beat = setInterval(() => {
    const now = readWallClock() / 1_000
    try {
      utimesSync(path, now, now)
    } catch {
      // The cache was removed under us.
    }
  }, BEAT)
  beat.unref()
  let held = true
  return {
    release() {
      if (!held) return
      held = false
      clearInterval(beat)
      if (readHolder(path)?.id === id) unlinkQuietly(path)
    },
  }
}

/** Waits until this worker holds the lock. `onWait` is called once, with the pid of the holder, where it has to wait. */
export async function lockFolder(
  path: string,
  signal: AbortSignal,
  onWait: (pid: number | undefined) => void = () => {},
): Promise<FolderLock> {
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted()
    const lock = tryLock(path)
    if (lock) return lock
    const holder = readHolder(path)
    if (isStale(path, holder)) takeAway(path, holder)
    else {
      if (tries === 0) onWait(holder?.pid)
      await sleep(RETRY, signal)
    }
  }
}
