import { randomUUID } from 'node:crypto'
import type { PerfServer } from '../server/perf-server.ts'
import type { ServerOptions } from '../server/server-options.ts'
import { openProbeChannel, type ProbeChannel } from '../server/probe-channel.ts'
import { startServer as launch, type ServerContext, type ServerEvent } from '../server/start.ts'
import { warmLoadProcess } from '../load/generator.ts'
import { snapshotOfServer } from '../memory/monitor.ts'
import type { SharedServers } from './shared-servers.ts'
import { runningAttempt, type TestAttempt } from './test-attempt.ts'

/** The memory channel of each server that this package started, for the monitor to ask. */
const channels = new WeakMap<PerfServer, ProbeChannel>()

export function channelOf(server: PerfServer): ProbeChannel | undefined {
  return channels.get(server)
}
