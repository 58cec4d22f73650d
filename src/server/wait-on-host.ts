import waitOn from 'wait-on'
import { setInterval } from '../lifecycle/real-timers.ts'
import { describeRefusal, type HttpStatuses } from './head-refusal.ts'

// The entry of the process that waits for what a server needs. wait-on takes no signal and leaves hung requests open: a
// process of its own can be ended at any time, and keeps 42 packages out of the spec's process.

const { resources, timeout } = JSON.parse(process.argv[2] ?? '{}') as { resources: string[]; timeout: number }

const LOOK_INTERVAL = 1_000
const LOOK_TIMEOUT = 2_000
/** So many looks in a row that find the same are no accident. */
const STEADY_LOOKS = 3

/** Tells the parent that another wait would end in the same way. */
const HOPELESS = 2

async function statusOf(url: string, method: 'HEAD' | 'GET'): Promise<number | undefined> {
  try {
    const signal = AbortSignal.timeout(LOOK_TIMEOUT)
    const answer = await fetch(url, { method, redirect: 'manual', signal })
    await answer.body?.cancel()
    return answer.status
  } catch {
    return undefined
  }
}

async function lookAt(resource: string): Promise<HttpStatuses> {
  return { resource, head: await statusOf(resource, 'HEAD'), get: await statusOf(resource, 'GET') }
}

const asked = resources.filter((resource) => /^https?:/.test(resource))

/** What the HTTP resources answer instead of what they are waited for. */
async function refusals(): Promise<{ text: string; isSteady: boolean }[]> {
  return (await Promise.all(asked.map(lookAt))).flatMap((statuses) => describeRefusal(statuses) ?? [])
}

// wait-on asks for `http:` with HEAD, and says no more of it than that time ran out.
const looks = new Map<string, number>()
if (asked.length > 0) {
  setInterval(async () => {
    for (const { text, isSteady } of await refusals()) {
      if (!isSteady) continue
      looks.set(text, (looks.get(text) ?? 0) + 1)
      if ((looks.get(text) ?? 0) < STEADY_LOOKS) continue
      console.error(text)
      process.exit(HOPELESS)
    }
  }, LOOK_INTERVAL).unref()
}

waitOn({ resources, timeout, interval: 100, httpTimeout: 2_000, tcpTimeout: 1_000, commandTimeout: 5_000 }).then(
  () => process.exit(0),
  async (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error))
    for (const { text } of await refusals()) console.error(text)
    process.exit(1)
  },
)
