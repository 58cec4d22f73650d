import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

export interface Leftover {
  pid: number
  command: string
}

async function inspect(pid: string, cookie: string): Promise<Leftover | undefined> {
  try {
    if (!(await readFile(`/proc/${pid}/environ`, 'utf8')).includes(cookie)) return undefined
    const state = /^\d+ \(.*\) (\S)/s.exec(await readFile(`/proc/${pid}/stat`, 'utf8'))?.[1]
    if (state === 'Z' || state === 'X') return undefined
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim()
    // Between the two reads it gave its memory back: it is ending now.
    return command === '' ? undefined : { pid: Number(pid), command }
  } catch {
    return undefined
  }
}

/** Every living process whose environment carries the run's cookie, whoever its parent is by now. */
export async function processesWith(cookie: string): Promise<Leftover[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(pids.map((pid) => inspect(pid, cookie)))
  return found.filter((leftover) => leftover !== undefined)
}

/** What is still alive when `milliseconds` have passed; returns as soon as nothing is. */
export async function leftoversAfter(cookie: string, milliseconds: number): Promise<Leftover[]> {
  const deadline = performance.now() + milliseconds
  for (;;) {
    const alive = await processesWith(cookie)
    if (alive.length === 0 || performance.now() > deadline) return alive
    await delay(50)
  }
}
