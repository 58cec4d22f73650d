import type { HotFunction, LoadProfile, ProfiledIsolate, ProfileWait } from '../results/profile-result.ts'
import { formatDuration } from '../units.ts'
import { measureWork, type Work } from './work.ts'

/** What the summary must know of the load itself. */
export interface ProfiledLoad {
  /** Why the generator, not the server, was the limit. */
  readonly saturation?: string | undefined
  /** Part of the requests that were answered with an error, 0 to 1. */
  readonly errorRate?: number | undefined
  /** What is missing in the profile, and why. */
  readonly lost?: readonly string[]
}

/** An event loop that works for more than this part of the time is what requests wait for. */
const BUSY = 0.8
/** An event loop that works for more than this part of a request's time is what that request waits for. */
const EXPLAINS = 0.5
/** A function, or the collections, stand out with this part of the busy time if they take `LONG_WORK` of each request … */
const HOT = 0.25
/** Milliseconds. */
const LONG_WORK = 1
/** … and with this part if they take less, but more than what Node itself needs for an answer. */
const HOTTEST = 0.5
const SHORT_WORK = 0.1
/** Calls of one shape stand out when requests wait for them for this part of their time. */
const WAITING = 0.4
/** So many calls of one shape a request look like a loop around a call. */
const MANY_CALLS = 5
/** Requests that are answered in fewer milliseconds, or wait for fewer, are quick enough. */
const SHORT_REQUEST = 5
const SHORT_WAIT = 3
/** Milliseconds that requests wait also on an idle machine, if most of their time is such a wait. */
const LONG_WAIT = 10
/** A request that takes so many times the work of the event loop for it waits for something else than the loop. */
const QUEUED = 3
/** Milliseconds in one go that every other request has to wait. */
const LONG_BLOCK = 200
/** With more errors than this part of the requests, a profile is that of another program. */
const MANY_ERRORS = 0.1
/** A server that is kept from the processors for this part of the time is slow by the machine. */
const STARVED = 0.25

const NO_PROBE =
  'No process of the server could be profiled: none has our profiler in it (it is not Node, or does not allow `--require`).'

type Recorded = Omit<LoadProfile, 'summary' | 'repeated'>

/**
 * What stands out in a profile, in one to three sentences, and then what limits it. The first one names the cause if one was
 * seen; what was not seen is not said.
 */
export function summarizeProfile(profile: Recorded, requestTime: number, load: ProfiledLoad = {}): string[] {
  const [busiest] = profile.isolates
  const { lost = [] } = load
  if (!busiest) return lost.length > 0 ? [...lost] : [NO_PROBE]
  const work = measureWork(profile, requestTime)
  const limits = [...describeSaturation(load), ...describeErrors(load), ...describeStarvation(work), ...lost]
  const waits = profile.waits.filter((wait) => standsOut(wait, work))
  const waiting = waits.map(describeWait).slice(0, 1)
  const cpu = describeCpu(busiest, work)
  const isLoop = (waits[0]?.perRequest ?? 0) >= MANY_CALLS
  const found = isLoopTheLimit(work) && !isLoop ? [...cpu, ...waiting] : [...waiting, ...cpu]
  const blocked = describeBlock(busiest, found, work)
  const repeats = describeRepeats(profile.waits, waits)
  const sentences = [...found, ...blocked, ...repeats].slice(0, 3)
  if (sentences.length === 0) sentences.push(...describeInside(profile, busiest, work))
  return sentences.length > 0 ? [...sentences, ...limits] : [...limits, describeNothing(work)]
}

function describeSaturation({ saturation }: ProfiledLoad): string[] {
  if (saturation === undefined) return []
  return [`The load generator was the limit (${saturation}), so the server may have had time to spare.`]
}

function describeErrors({ errorRate = 0 }: ProfiledLoad): string[] {
  if (!(errorRate >= MANY_ERRORS)) return []
  return [`${percent(errorRate)} of the requests failed: what the profile shows may be the cost of failing.`]
}

function describeStarvation({ starved }: Work): string[] {
  if (starved < STARVED) return []
  return [
    `The machine was busy: for ${percent(starved)} of the time the server was ready to run and no processor was free, so its times are longer than its work.`,
  ]
}

/** Many calls a request, and a pool without a free connection, are no doing of a busy machine. It makes all other calls longer. */
function standsOut({ kind, share, perRequest }: ProfileWait, { requestTime, starved, slowdown }: Work): boolean {
  const waited = share * requestTime
  if (perRequest >= MANY_CALLS) return share >= WAITING && waited >= SHORT_WAIT
  if (share >= BUSY && waited / slowdown >= LONG_WAIT) return true
  return (kind === 'pool' ? share : share - starved) >= WAITING && waited / slowdown >= SHORT_WAIT
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`
}

function at({ function: name, location }: { function: string; location: string }): string {
  return `${name} (${location})`
}

/** Idle time without any request to answer is not the server's: on a busy machine, requests come late and all at once. */
function isLoopTheLimit({ busy, busyServing }: Work): boolean {
  return busy >= BUSY || busyServing >= BUSY
}

/** Where the time of the event loop went, if the loop is what requests wait for and something of it stands out. */
function describeCpu(isolate: ProfiledIsolate, work: Work): string[] {
  if (!isLoopTheLimit(work) && !(work.loopTime >= EXPLAINS * work.requestTime)) return []
  const { cpu, garbage, hot } = isolate
  const gc = cpu.gc / (cpu.user + cpu.gc || 1)
  const functions = hot
    .filter(({ attributed = 0, ...found }) => isMuch(attributed, work.ofFunction(found), work, found.code === 'own'))
    .toSorted((a, b) => (b.attributed ?? 0) - (a.attributed ?? 0))
    .slice(0, 2)
    .map((found) => `${percent(found.attributed ?? 0)} in ${hotPlace(found)}`)
  const loop =
    work.busy >= BUSY || !(work.loopTime >= LONG_WORK)
      ? `The event loop was ${percent(work.busy)} busy`
      : `The event loop worked ${formatDuration(work.loopTime)} for each request`
  if (isMuch(gc, work.ofGarbage, work) && garbage) {
    const cause = garbage.share >= 0.4 ? `, mostly of what ${at(garbage)} had allocated` : ''
    const rest = functions[0] === undefined ? '' : `; ${functions[0]}`
    return [`${loop}; ${percent(gc)} of it in garbage collection${cause}${rest}.`]
  }
  if (functions.length === 0) return []
  const collected = gc >= 0.1 ? [`${percent(gc)} in garbage collection`] : []
  return [`${loop}; ${[...functions, ...collected].join(', ').replace(' %', ' % of it')}.`]
}

/** `part`: of the busy time. `time`: milliseconds of each request; without requests, only the part counts. A framework may have most of quick requests. */
function isMuch(part: number, time: number, { requests }: Work, isOwn = true): boolean {
  if (requests === 0) return part >= HOT
  return (part >= HOT && time >= LONG_WORK) || (isOwn && part >= HOTTEST && time >= SHORT_WORK)
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

function describeBlock({ blocked }: ProfiledIsolate, found: readonly string[], { slowdown }: Work): string[] {
  const [innermost] = blocked?.stack ?? []
  if (!blocked || blocked.duration / slowdown < LONG_BLOCK || innermost === undefined) return []
  const place = blocked.stack.find((frame) => !/\((node:|native)/.test(frame)) ?? innermost
  if (found.some((sentence) => sentence.includes(place))) return []
  return [`The event loop was blocked for ${formatDuration(blocked.duration)} without a break, in ${place}.`]
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

/** Requests that wait for neither the event loop nor a call wait for one another. */
function describeInside({ waits }: Recorded, { hot }: ProfiledIsolate, work: Work): string[] {
  const { requestTime, busy, slowdown, loopTime } = work
  const isLong = requestTime / slowdown >= SHORT_REQUEST && requestTime >= QUEUED * loopTime
  const waited = waits.reduce((sum, { share }) => sum + (Number.isFinite(share) ? share : 0), 0)
  if (isLoopTheLimit(work) || !isLong || waited >= WAITING) return []
  const calling =
    waits.length === 0
      ? 'made no call out of the server'
      : `waited ${percent(waited)} of their time for calls out of the server`
  const code = hot.filter((found) => found.code === 'own').slice(0, 2)
  const seen = code.length === 0 ? '' : `; look at ${code.map(at).join(' and ')}`
  return [
    `Requests took ${formatDuration(requestTime)} on average while the event loop was ${percent(busy)} busy, and ${calling}: they waited inside the process, for a lock, a queue, a timer or Node's thread pool${seen}.`,
  ]
}

function describeNothing({ requests, requestTime, busy }: Work): string {
  if (requests === 0) {
    return `The event loop was ${percent(busy)} busy, and no HTTP request was seen inside the server: what it waited for is not known.`
  }
  return `Nothing stands out: the event loop was ${percent(busy)} busy, a request took ${formatDuration(requestTime)} on average, and no function or call took most of it.`
}
