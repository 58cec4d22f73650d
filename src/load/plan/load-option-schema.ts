import * as v from 'valibot'
import { LONGEST_TIMER } from '../../option-issues.ts'
import { abortSignal, flag, positiveInteger, positiveNumber, text, timerDuration } from '../../options.ts'
import type { Thresholds } from '../../results/threshold.ts'
import { milliseconds, type Duration } from '../../units.ts'
import { answerCheck } from './answer-check.ts'
import type { LoadBody, LoadHeaders } from './load-options.ts'
import { engineOption } from './locust-options.ts'
import { holdsCertificates, isBody, isPlainRecord } from './request-issues.ts'

/** Each stage has figures of its own in every progress, so their number is bounded. */
const MOST_STAGES = 100

const status = v.pipe(
  v.number('a status of 100 to 599, or [from, to]'),
  v.integer('a status of 100 to 599, or [from, to]'),
  v.minValue(100, 'a status of 100 to 599, or [from, to]'),
  v.maxValue(599, 'a status of 100 to 599, or [from, to]'),
)
const expectStatus = v.union(
  [
    status,
    v.pipe(
      v.strictTuple([status, status], '[from, to]'),
      v.check(([from, to]) => from <= to, '[from, to] with from <= to'),
    ),
  ],
  'a status of 100 to 599, or [from, to]',
)
const methodMessage = 'an HTTP method such as GET or POST'
const method = v.pipe(
  v.string(methodMessage),
  v.regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, methodMessage),
  v.check((name) => name.toUpperCase() !== 'CONNECT', 'a method other than CONNECT, which opens a tunnel'),
)
const body = v.custom<LoadBody>(
  isBody,
  'a string, bytes (Uint8Array), or a value to send as JSON (a plain object, an array, or what has a toJSON)',
)
const headers = v.custom<LoadHeaders>(isPlainRecord, 'a plain object of header names and values')
const rate = v.pipe(positiveNumber, v.maxValue(1_000_000, 'a positive number up to 1000000'))
const connections = v.pipe(positiveInteger, v.maxValue(65_535, 'an integer from 1 to 65535'))
const virtualUsers = v.pipe(positiveInteger, v.maxValue(100_000, 'an integer from 1 to 100000'))
const seedMessage = 'a whole number of 0 or more'
const seed = v.pipe(
  v.number(seedMessage),
  v.check((value) => Number.isSafeInteger(value) && value >= 0, seedMessage),
)
const scenario = v.custom<string | URL>(
  (value) => (typeof value === 'string' && value !== '') || isFileUrl(value),
  "the path of a module, from Vitest's root, or a file URL",
)
const weight = v.pipe(
  v.number('a weight of 0 or more'),
  v.finite('a weight of 0 or more'),
  v.minValue(0, 'a weight of 0 or more'),
)
const mix = v.record(v.string(), weight, 'an object of exports and their weights, such as { browse: 9, buy: 1 }')
const processesMessage = "an integer from 1 to 256, or 'auto'"
const processes = v.union(
  [
    v.literal('auto'),
    v.pipe(
      v.number(processesMessage),
      v.integer(processesMessage),
      v.minValue(1, processesMessage),
      v.maxValue(256, processesMessage),
    ),
  ],
  processesMessage,
)
const stageRate = v.pipe(
  v.number('a number of 0 or more'),
  v.finite('a number of 0 or more'),
  v.minValue(0, 'a number of 0 or more'),
  v.maxValue(1_000_000, 'a number up to 1000000'),
)
const stage = v.strictObject(
  {
    duration: timerDuration,
    connections: v.optional(connections),
    rate: v.optional(stageRate),
    virtualUsers: v.optional(virtualUsers),
  },
  'an object { duration, connections?, rate?, virtualUsers? }',
)
const request = v.strictObject(
  {
    name: v.optional(text),
    path: v.optional(text),
    method: v.optional(method),
    headers: v.optional(headers),
    body: v.optional(body),
    expectStatus: v.optional(expectStatus),
    check: v.optional(answerCheck),
  },
  'an object { name?, path?, method?, headers?, body?, expectStatus?, check? }',
)
const warmup = v.strictObject(
  { duration: timerDuration, connections: v.optional(connections) },
  'an object { duration, connections? }',
)
const certificates = v.pipe(text, v.check(holdsCertificates, 'certificates in PEM'))
const tls = v.strictObject(
  { ca: v.optional(certificates), rejectUnauthorized: v.optional(flag), servername: v.optional(text) },
  'an object { ca?, rejectUnauthorized?, servername? }',
)
const progressMessage = `a number of milliseconds from 20 to ${LONGEST_TIMER}, or a text such as '500ms'`
const stagesMessage = `a list of 1 to ${MOST_STAGES} stages`

/** The shape of `LoadOptions`; what options must be to each other is checked apart. */
export const loadOptionSchema = v.strictObject(
  {
    url: v.optional(text),
    connections: v.optional(connections),
    duration: v.optional(timerDuration),
    amount: v.optional(positiveInteger),
    rate: v.optional(rate),
    stages: v.optional(
      v.pipe(
        v.array(stage, stagesMessage),
        v.minLength(1, stagesMessage),
        v.maxLength(MOST_STAGES, stagesMessage),
        v.check(
          (stages) => stages.reduce((sum, { duration }) => sum + milliseconds(duration), 0) <= LONGEST_TIMER,
          `stages of at most ${LONGEST_TIMER} ms together`,
        ),
      ),
    ),
    pipelining: v.optional(v.pipe(positiveInteger, v.maxValue(1_000, 'an integer from 1 to 1000'))),
    warmup: v.optional(warmup),
    timeout: v.optional(timerDuration),
    method: v.optional(method),
    headers: v.optional(headers),
    body: v.optional(body),
    requests: v.optional(
      v.pipe(v.array(request, 'a list of requests'), v.minLength(1, 'a list of at least one request')),
    ),
    order: v.optional(v.picklist(['shared', 'perConnection'], "'shared' or 'perConnection'")),
    expectStatus: v.optional(expectStatus),
    thresholds: v.optional(v.custom<Thresholds>(isPlainRecord, 'an object of metrics and conditions')),
    abortOnFail: v.optional(flag),
    progressInterval: v.optional(
      v.custom<Duration>((value) => {
        const interval = milliseconds(value as Duration)
        return interval >= 20 && interval <= LONGEST_TIMER
      }, progressMessage),
    ),
    signal: v.optional(abortSignal),
    title: v.optional(text),
    processes: v.optional(processes),
    engine: v.optional(engineOption),
    tls: v.optional(tls),
    protocol: v.optional(v.picklist(['http/1.1', 'h2'], "'http/1.1' or 'h2'")),
    profile: v.optional(v.union([flag, v.literal('on-failure')], "true, false or 'on-failure'")),
    scenario: v.optional(scenario),
    mix: v.optional(mix),
    data: v.optional(v.unknown()),
    virtualUsers: v.optional(virtualUsers),
    seed: v.optional(seed),
  },
  'an object',
)

/** All load options, in the order in which they are documented. */
export const loadOptionNames: readonly string[] = Object.keys(loadOptionSchema.entries)

/** Looks at the value's fields, not its class: in the vm pools a `URL` may be of another realm. */
function isFileUrl(value: unknown): boolean {
  const { protocol, href } = (value ?? {}) as { protocol?: unknown; href?: unknown }
  return protocol === 'file:' && typeof href === 'string'
}
