import { Session, type HeapProfiler } from 'node:inspector'
import { SourceLines } from './source-lines.ts'
import { allocationSites } from './allocation-sites.ts'
import type { AllocationProfile } from './protocol.ts'

/** Mean distance of two samples in allocated bytes. */
const SAMPLING_INTERVAL = 16_384

/** How many sites are worth naming. */
const SITES = 10

/** V8's sampling heap profiler: what was allocated since `start` and is still alive at `stop`, by place in the source. */
export class AllocationSampler {
  #session: Session | undefined

  /** Begins to sample; does nothing where it already does. */
  async start(): Promise<void> {
    if (this.#session) return
    const session = new Session()
    session.connect()
    this.#session = session
    await post(session, 'HeapProfiler.startSampling', { samplingInterval: SAMPLING_INTERVAL })
  }

  async stop(): Promise<AllocationProfile> {
    const session = this.#session
    if (!session) return { sites: [], total: 0 }
    this.#session = undefined
    try {
      const { profile } = (await post(session, 'HeapProfiler.stopSampling', {})) as {
        profile: HeapProfiler.SamplingHeapProfile
      }
      const { sites, total } = allocationSites(profile.head)
      const lines = await SourceLines.of(session)
      const named = sites.slice(0, SITES).map(({ function: name, scriptId, url, line, column, bytes }) => ({
        function: name,
        location: lines.locate({ scriptId, url, line, column }),
        bytes,
      }))
      return { sites: named, total }
    } finally {
      session.disconnect()
    }
  }

  close(): void {
    this.#session?.disconnect()
    this.#session = undefined
  }
}

/** The inspector's callback API: `node:inspector/promises` is experimental on Node 20 and warns. */
export function post(session: Session, method: string, parameters: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error, answer) => (error ? reject(error) : resolve(answer)))
  })
}
