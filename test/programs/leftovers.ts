import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/** Living processes (zombies are none) whose command line or environment holds a text. */
export function processesNaming(text: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const state = /^\d+ \(.*\) (\S)/s.exec(readFileSync(`/proc/${name}/stat`, 'latin1'))?.[1]
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ').trim()
        const environment = readFileSync(`/proc/${name}/environ`, 'latin1')
        const alive = state !== 'Z' && state !== 'X'
        return alive && (command.includes(text) || environment.includes(text)) ? [{ pid: Number(name), command }] : []
      } catch {
        return []
      }
    })
}

/** Whether a port can be bound on every address. */
export function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}

/** Looks again and again until nothing is found or the time is over; the last that was found. */
export async function waitForNone<Found>(look: () => Found[], milliseconds: number): Promise<Found[]> {
  const end = performance.now() + milliseconds
  for (;;) {
    const found = look()
    if (found.length === 0 || performance.now() > end) return found
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
}
