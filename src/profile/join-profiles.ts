import type { IsolateProfile } from '../probe/protocol.ts'
import { LatencyHistogram } from '../results/latency-histogram.ts'
import type { LoadProfile, ProfiledIsolate, ProfileWait } from '../results/profile-result.ts'
import type { LoadRequests } from './load-requests.ts'

/** What one isolate recorded, and where its `.cpuprofile` is. */
export interface RecordedIsolate {
  readonly pid: number
  readonly threadId: number
  readonly profile: IsolateProfile
  readonly file: string
}

/** Kinds of calls that a result lists at most. */
const MOST_WAITS = 50

/**
 * The recordings of all isolates of a server as one profile, the busiest isolate first. `load`: the requests of the load, of a server that
 * asks itself.
 */
export function joinProfiles(
  recorded: readonly RecordedIsolate[],
  load?: LoadRequests,
): Omit<LoadProfile, 'summary' | 'repeated'> {
  const requests = load?.requests ?? recorded.reduce((sum, { profile }) => sum + profile.requests, 0)
  return {
    duration: Math.max(0, ...recorded.map(({ profile }) => profile.duration)),
    requests,
    isolates: recorded.map(describeIsolate).toSorted((a, b) => b.cpu.user + b.cpu.gc - (a.cpu.user + a.cpu.gc)),
    waits: joinWaits(recorded, requests, load),
    files: recorded.flatMap(({ file, profile }) => ('bytes' in profile.file ? file : [])),
  }
}

function describeIsolate({ pid, threadId, profile }: RecordedIsolate): ProfiledIsolate {
  const { eventLoopUtilization, serving, cpu, processor, hot, garbage, blocked, flame, duration } = profile
  return {
    pid,
    threadId,
    eventLoopUtilization,
    serving,
    cpu,
    ...(processor && { processor }),
    hot,
    ...(garbage && { garbage }),
    ...(blocked && { blocked }),
    flame,
    duration,
  }
}

type RecordedCalls = IsolateProfile['waits'][number]

function joinWaits(
  recorded: readonly RecordedIsolate[],
  requests: number,
  load: LoadRequests | undefined,
): ProfileWait[] {
  const sum = (of: (profile: IsolateProfile) => number) =>
    recorded.reduce((total, { profile }) => total + of(profile), 0)
  const followed = {
    requests: sum((profile) => profile.followed.requests),
    time: sum((profile) => profile.followed.time),
  }
  const byShape = new Map<string, RecordedCalls[]>()
  for (const call of recorded.flatMap(({ profile }) => profile.waits)) {
    const key = `${call.kind} ${call.what}`
    byShape.set(key, [...(byShape.get(key) ?? []), call])
  }
  return [...byShape.values()]
    .map((calls) => joinCalls(calls, requests, followed, load))
    .toSorted((a, b) => b.share - a.share || b.time - a.time)
    .slice(0, MOST_WAITS)
}

function joinCalls(
  calls: readonly RecordedCalls[],
  requests: number,
  followed: IsolateProfile['followed'],
  load: LoadRequests | undefined,
): ProfileWait {
  const [first] = calls as [RecordedCalls]
  const times = new LatencyHistogram()
  for (const call of calls) times.merge(LatencyHistogram.decode(call.times))
  const sum = (of: (call: RecordedCalls) => number) => calls.reduce((total, call) => total + of(call), 0)
  const count = sum((call) => call.count)
  const tied = sum((call) => call.calls)
  // A call may come out of a queue of its library, and is then tied to no request or another's; so are all over plain sockets.
  const isTied = tied > 0 && first.kind !== 'socket'
  // The requests that were followed may be those that the server sent to itself.
  const perRequest = isTied && !load ? tied / followed.requests : count / requests
  const waited = sum((call) => call.waited)
  const share = load ? (waited * (isTied ? count / tied : 1)) / load.time : waited / followed.time
  const location = calls.find((call) => call.location !== undefined)?.location
  return {
    what: first.what,
    kind: first.kind,
    count,
    perRequest: requests > 0 ? perRequest : Number.NaN,
    time: sum((call) => call.time),
    share: followed.time > 0 ? Math.min(1, share) : Number.NaN,
    p50: times.percentile(0.5),
    p99: times.percentile(0.99),
    failed: sum((call) => call.failed),
    ...(location !== undefined && { location }),
  }
}
