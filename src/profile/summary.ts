import type { HotFunction, LoadProfile, ProfiledIsolate, ProfileWait } from '../results/profile-result.ts'
import { formatDuration } from '../units.ts'

/** What the summary must know of the load itself. */
export interface ProfiledLoad {
  /** Why the generator, not the server, was the limit. */
  readonly saturation?: string | undefined
  /** Part of the requests that were answered with an error, 0 to 1. */
  readonly errorRate?: number | undefined
}

/** An event loop that works for more than this part of the time is what requests wait for. */
const BUSY = 0.8
/** A function stands out with this part of the busy time. */
const HOT = 0.25
/** Collections stand out with this part of the busy time. */
const GARBAGE = 0.25
/** Calls of one shape stand out when requests wait for them for this part of their time. */
const WAITING = 0.4
/** An event loop that works for less than this part of the time is not what requests wait for. */
const IDLE = 0.6
/** So many calls of one shape a request look like a loop around a call. */
const MANY_CALLS = 5
/** Requests that are answered in fewer milliseconds, or wait for fewer, are quick enough. */
const SHORT_REQUEST = 5
const SHORT_WAIT = 3
/** A request that takes so many times the work of the event loop for it waits for something else than the loop. */
const QUEUED = 3
/** Milliseconds in one go that every other request has to wait. */
const LONG_BLOCK = 200

/**
 * What stands out in a profile, in one to three sentences. The first one names the cause if one was seen; what was not seen is
 * not said.
 */
export function summarizeProfile(
  profile: Omit<LoadProfile, 'summary' | 'repeated'>,
  requestTime: number,
  load: ProfiledLoad = {},
): string[] {
  const [busiest] = profile.isolates
  if (!busiest)
    return ['No isolate of the server could be profiled: it has no probe in it (it is not Node, or forbids preloads).']
  const limits =
    load.saturation === undefined
      ? []
      : [`The load generator was the limit (${load.saturation}), so the server may have had time to spare.`]
  const busy = busyPart(busiest)
  const average = profile.requests > 0 ? requestTime / profile.requests : 0
  const waits = profile.waits.filter(({ share }) => share >= WAITING && share * average >= SHORT_WAIT)
  const waiting = waits.map(describeWait).slice(0, 1)
  const cpu = describeCpu(busiest)
  const isLoop = (waits[0]?.perRequest ?? 0) >= MANY_CALLS
  const found =
    busy >= BUSY && cpu.stands && !isLoop
      ? [cpu.sentence, ...waiting]
      : waiting.length > 0
        ? [...waiting, ...(cpu.stands && busy >= IDLE ? [cpu.sentence] : [])]
        : cpu.stands && busy >= IDLE
          ? [cpu.sentence]
          : []
  const blocked = describeBlock(busiest, found)
  const repeats = describeRepeats(profile.waits, waits)
  const sentences = [...found, ...blocked, ...repeats].slice(0, 3)
  if (sentences.length > 0) return [...sentences, ...limits]
  return [...limits, describeNothing(profile, busiest, busy, requestTime)]
}

function busyPart({ cpu, eventLoopUtilization }: ProfiledIsolate): number {
  return Math.max(cpu.user + cpu.gc, eventLoopUtilization)
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`
}

function at({ function: name, location }: { function: string; location: string }): string {
  return `${name} (${location})`
}

function describeCpu(isolate: ProfiledIsolate): { sentence: string; stands: boolean } {
  const { cpu, garbage } = isolate
  const gc = cpu.gc / (cpu.user + cpu.gc || 1)
  const top = isolate.hot.filter(({ code, attributed = 0 }) => code === 'own' && attributed >= HOT).slice(0, 2)
  const second =
    top[1] && (top[1].attributed ?? 0) >= HOT ? `, ${percent(top[1].attributed ?? 0)} in ${hotPlace(top[1])}` : ''
  const loop = `The event loop was ${percent(busyPart(isolate))} busy`
  const collected = gc >= 0.1 ? `, ${percent(gc)} in garbage collection` : ''
  if (gc >= GARBAGE && garbage) {
    const cause = garbage.share >= 0.4 ? `, mostly of what ${at(garbage)} had allocated` : ''
    const rest = top[0] ? `; ${percent(top[0].attributed ?? 0)} in ${hotPlace(top[0])}` : ''
    return { stands: true, sentence: `${loop}; ${percent(gc)} of it in garbage collection${cause}${rest}.` }
  }
  if (!top[0]) return { stands: false, sentence: `${loop}${collected}, and no function of it stands out.` }
  return {
    stands: true,
    sentence: `${loop}; ${percent(top[0].attributed ?? 0)} of it in ${hotPlace(top[0])}${second}${collected}.`,
  }
}

/** `load (src/config.ts:10), mostly in readFileSync`. */
function hotPlace(hot: HotFunction): string {
  return hot.mostlyIn === undefined ? at(hot) : `${at(hot)}, mostly in ${hot.mostlyIn}`
}

function calls(perRequest: number): string {
  const count = perRequest >= 10 ? Math.round(perRequest) : Number(perRequest.toFixed(1))
  return `${count} ${count === 1 ? 'call' : 'calls'} a request`
}

function describeWait(wait: ProfileWait): string {
  const { what, kind, share, perRequest, p50, location } = wait
  const where = location === undefined ? '' : ` (${location})`
  const subject =
    kind === 'pool' || kind === 'connect' || kind === 'socket' ? placeOf(wait) : `\`${shortStatement(what)}\``
  const often = Number.isFinite(perRequest) ? `${calls(perRequest)}, ` : ''
  return `Requests waited ${percent(share)} of their time for ${subject}: ${often}p50 ${formatDuration(p50)}${where}.`
}

function placeOf({ kind, what }: ProfileWait): string {
  if (kind === 'connect') return `a new connection (${what})`
  return kind === 'socket' ? `answers of ${what}` : what
}

/** A long list of columns says nothing of the cause. */
function shortStatement(what: string): string {
  return what.replace(/^SELECT (.{12,}?) FROM /i, 'SELECT … FROM ')
}

function describeBlock({ blocked }: ProfiledIsolate, found: readonly string[]): string[] {
  const [innermost] = blocked?.stack ?? []
  if (!blocked || blocked.duration < LONG_BLOCK || innermost === undefined) return []
  const place = blocked.stack.find((frame) => !/\((node:|native)/.test(frame)) ?? innermost
  if (found.some((sentence) => sentence.includes(place))) return []
  return [`The event loop stood still for ${formatDuration(blocked.duration)} in one go, in ${place}.`]
}

/** Many calls a request that do not take most of the time are a cause in waiting. */
function describeRepeats(all: readonly ProfileWait[], told: readonly ProfileWait[]): string[] {
  const many = all.find((wait) => wait.perRequest >= MANY_CALLS && wait.share >= 0.2 && !told.includes(wait))
  if (!many) return []
  const where = many.location === undefined ? '' : ` (${many.location})`
  return [
    `Each request made ${calls(many.perRequest).replace(/s? a request/, 's')} of \`${shortStatement(many.what)}\`${where}.`,
  ]
}

function describeNothing(
  { requests, waits }: Omit<LoadProfile, 'summary' | 'repeated'>,
  busiest: ProfiledIsolate,
  busy: number,
  requestTime: number,
): string {
  if (requests === 0) {
    return `The event loop was ${percent(busy)} busy, and no HTTP request was seen inside the server: what it waited for cannot be told.`
  }
  const average = requestTime / requests
  const waited = waits.reduce((sum, { share }) => sum + (Number.isFinite(share) ? share : 0), 0)
  const cpuPerRequest = (busy * busiest.duration) / requests
  if (busy < BUSY && average >= SHORT_REQUEST && waited < WAITING && average >= QUEUED * cpuPerRequest) {
    const calling =
      waits.length === 0
        ? 'made no call out of the server'
        : `waited ${percent(waited)} of their time for calls out of the server`
    const code = busiest.hot
      .filter((hot) => hot.code === 'own')
      .slice(0, 2)
      .map(at)
    const seen = code.length === 0 ? '' : `; look at ${code.join(' and ')}`
    return (
      `Requests took ${formatDuration(average)} on average while the event loop was ${percent(busy)} busy, and ${calling}: ` +
      `they waited inside the process, for a lock, a queue or a timer${seen}.`
    )
  }
  return `Nothing stands out: the event loop was ${percent(busy)} busy, a request took ${formatDuration(average)} on average, and no function or call took most of it.`
}
