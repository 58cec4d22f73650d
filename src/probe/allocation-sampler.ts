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

  async start(): Promise<void> {
    this.#users += 1
    if (this.#session) return
    const session = new Session()
    session.connect()
    this.#session = session
    await post(session, 'HeapProfiler.startSampling', { samplingInterval: SAMPLING_INTERVAL })
  }

  async stop(): Promise<AllocationProfile> {
    const session = this.#session
    if (!session) return { sites: [], total: 0 }
    this.#users -= 1
    if (this.#users > 0) return this.#read(session, 'HeapProfiler.getSamplingProfile')
    this.#session = undefined
    try {
      return await this.#read(session, 'HeapProfiler.stopSampling')
    } finally {
      session.disconnect()
    }
  }

  /** What is alive now; sampling goes on. */
  async peek(): Promise<AllocationProfile> {
    const session = this.#session
    return session ? this.#read(session, 'HeapProfiler.getSamplingProfile') : { sites: [], total: 0 }
  }

  async #read(
    session: Session,
    method: 'HeapProfiler.getSamplingProfile' | 'HeapProfiler.stopSampling',
  ): Promise<AllocationProfile> {
    const { profile } = (await post(session, method, {})) as { profile: HeapProfiler.SamplingHeapProfile }
    const { sites, total } = allocationSites(profile.head)
    const lines = await SourceLines.of(session)
    const named = sites.slice(0, SITES).map(({ function: name, scriptId, url, line, column, bytes }) => ({
      function: name,
      location: lines.locate({ scriptId, url, line, column }),
      bytes,
    }))
    return { sites: named, total }
  }

  close(): void {
    this.#session?.disconnect()
    this.#session = undefined
    this.#users = 0
  }
}
