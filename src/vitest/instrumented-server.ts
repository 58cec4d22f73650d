import { inject } from 'vitest'
import type { MemoryTarget } from '../memory/memory-target.ts'
import { snapshotOfServer } from '../memory/monitor.ts'
import type { PerfServer } from '../server/perf-server.ts'
import { openProbeChannel, type ProbeChannel } from '../server/probe-channel.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { startServer as launch, type ServerContext } from '../server/start.ts'

/** Where a server's memory probes connect to: known to the memory monitor, and no business of the server's. */
const channels = new WeakMap<PerfServer, ProbeChannel>()

/** A server as the memory monitor sees it. */
export function memoryTargetOf(server: PerfServer): MemoryTarget {
  const channel = channels.get(server)
  return {
    get pid() {
      return server.pid
    },
    signal: server.signal,
    ...(channel && { channel }),
  }
}

/** Starts a server with the memory probe in it. */
export async function startInstrumentedServer(options: ServerOptions, context: ServerContext): Promise<PerfServer> {
  let channel: ProbeChannel | undefined
  const server = await launch(options, {
    baseDirectory: inject('perfRoot'),
    ...context,
    instrument: async () => (channel = await openProbeChannel()),
    snapshot: (of) => snapshotOfServer(memoryTargetOf(of)),
  })
  if (channel) {
    channels.set(server, channel)
    // Vitest keeps a test's fixtures until its file ends; a server that is gone has no probes left to ask.
    server.signal.addEventListener('abort', () => channels.delete(server), { once: true })
  }
  return server
}
