import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Hosts } from './namespaces.ts'

const PROGRAM = fileURLToPath(new URL('../../programs/recording-target.mjs', import.meta.url))

/** A server on a host of its own, with a record of who has asked it when. */
export interface RecordingTarget {
  readonly url: string
  /** Unix milliseconds of each request so far, of one address or of all. */
  times(address?: string): number[]
}

export async function startRecordingTarget<Name extends string>(
  hosts: Hosts<Name>,
  host: Name,
): Promise<RecordingTarget> {
  const address = hosts.addresses[host]
  const child = hosts.spawn(host, process.execPath, [PROGRAM, address, '80'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const record: [time: number, from: string][] = []
  const lines = createInterface({ input: child.stdout! })
  lines.on('line', (line) => record.push(...(JSON.parse(line) as typeof record)))
  await once(lines, 'line')
  return {
    url: `http://${address}/`,
    times: (from) => record.flatMap(([time, source]) => (from === undefined || source === from ? [time] : [])),
  }
}
