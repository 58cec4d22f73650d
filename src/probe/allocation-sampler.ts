import { Session, type HeapProfiler } from 'node:inspector'
import { allocationSites } from './allocation-sites.ts'
import { post } from './inspector-post.ts'
import type { AllocationProfile } from './protocol.ts'
import { SourceLines } from './source-lines.ts'

/** Mean distance of two samples in allocated bytes. */
const SAMPLING_INTERVAL = 16_384

/** How many sites are worth naming. */
const SITES = 10

/**
 * V8's sampling heap profiler: what was allocated since `start` and is still alive at `stop`, by place in the source. Several
 * watches share the one that an isolate has; it ends with the last of them.
 */
export class AllocationSampler {
  #session: Session | undefined
  #users = 0
  #remembered: Profile | undefined

  async start(): Promise<null> {
    this.#users += 1
    if (this.#session) return null
    const session = new Session()
    session.connect()
    this.#session = session
    await post(session, 'HeapProfiler.startSampling', { samplingInterval: SAMPLING_INTERVAL })
    return null
  }

  /** Positions only: to name their lines V8 makes tables of all scripts, up to a megabyte, which a watch would see as growth. */
  async remember(): Promise<null> {
    if (this.#session) this.#remembered = await readProfile(this.#session, 'HeapProfiler.getSamplingProfile')
    return null
  }

  async stop(): Promise<AllocationProfile> {
    const session = this.#session
    if (!session) return { sites: [], total: 0 }
    this.#users -= 1
    const last = this.#users <= 0
    if (last) this.#session = undefined
    try {
      const profile = await readProfile(session, last ? 'HeapProfiler.stopSampling' : 'HeapProfiler.getSamplingProfile')
      const remembered = this.#remembered
      if (last) this.#remembered = undefined
      const lost = remembered && bytesIn(profile) < bytesIn(remembered) / 2
      return await locate(session, lost ? remembered : profile)
    } finally {
      if (last) session.disconnect()
    }
  }

  close(): void {
    this.#session?.disconnect()
    this.#session = undefined
    this.#users = 0
    this.#remembered = undefined
  }
}

type Profile = ReturnType<typeof allocationSites>

async function readProfile(
  session: Session,
  method: 'HeapProfiler.getSamplingProfile' | 'HeapProfiler.stopSampling',
): Promise<Profile> {
  const { profile } = (await post(session, method, {})) as { profile: HeapProfiler.SamplingHeapProfile }
  const { sites, total } = allocationSites(profile.head)
  return { sites: sites.slice(0, SITES), total }
}

function bytesIn({ sites }: Profile): number {
  return sites.reduce((sum, { bytes }) => sum + bytes, 0)
}

async function locate(session: Session, { sites, total }: Profile): Promise<AllocationProfile> {
  const lines = await SourceLines.of(session)
  const named = sites.map(({ function: name, scriptId, url, line, column, bytes }) => ({
    function: name,
    location: lines.locate({ scriptId, url, line, column }),
    bytes,
  }))
  return { sites: named, total }
}
