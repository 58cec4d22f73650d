import { inject } from 'vitest'
import { onAbort } from '../lifecycle/abort.ts'
import { registerTarget, type MemoryTarget } from '../memory/memory-target.ts'
import { snapshotOfServer } from '../memory/monitor.ts'
import { findPortOwner } from '../server/listeners.ts'
import type { PerfServer } from '../server/perf-server.ts'
import { openProbeChannel, type ProbeChannel } from '../probe/channel.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { startServer as launch, type ServerContext } from '../server/start.ts'
import { StartedServer } from '../server/started-server.ts'
import { dialHost } from '../server-url.ts'

/** A server as the memory monitor sees it; one that was given by its URL, by who listens there on this machine. */
function memoryTargetOf(server: PerfServer, channel: ProbeChannel | undefined): MemoryTarget {
  return {
    get pid() {
      return server.pid ?? findPortOwner(dialHost(server.host), server.port)?.pid
    },
    get restarted() {
      return server instanceof StartedServer ? server.restarted : undefined
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
    snapshot: (of) => snapshotOfServer(memoryTargetOf(of, channel)),
  })
  registerTarget(server, memoryTargetOf(server, channel))
  // Vitest keeps a test's fixtures until its file ends; a server that is gone has no probes left to ask.
  onAbort(server.signal, () => registerTarget(server, memoryTargetOf(server, undefined)))
  return server
}
