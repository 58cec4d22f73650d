import { Buffer } from 'node:buffer'
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import * as v from 'valibot'
import { isLoopback } from '../../server-url.ts'
import { VARIABLES } from '../../settings.ts'
import { formatDuration } from '../../units.ts'

/** Version of the envelope and of the bytes that are signed. */
const FORMAT = 1

/**
 * Milliseconds that the signing time of a plan may differ from the worker's clock, in both directions. A plan is signed when its
 * workers are ready and arrives within seconds, so most of it is for clocks: machines without NTP drift by about a second a day. A
 * wider window would not admit replays (the nonces stop those), but would let a plan that was held back start long after its test.
 */
export const PLAN_WINDOW = 60_000

/** Nonces that a worker remembers: it never forgets one silently, see `PlanGate`. */
const REMEMBERED_NONCES = 1_000

const TOKEN = VARIABLES.token

/** What a plan is made of, as bytes. The gate does not look into them: only verified bytes may be decoded. */
export interface PlanContents {
  /** The load plan, with the share of the worker that it is for. */
  readonly plan: Uint8Array
  /** The scenario's module, or nothing (`new Uint8Array()`). */
  readonly bundle: Uint8Array
}

/** A plan on its way to one worker: plain JSON. */
export interface SignedPlan {
  readonly format: number
  /** Id of the one worker that may run it: random, and new with each start of the worker. */
  readonly recipient: string
  /** When it was signed, in Unix milliseconds. */
  readonly time: number
  /** 16 random bytes as hexadecimal. A worker runs one plan for each nonce. */
  readonly nonce: string
  /** Base64. */
  readonly plan: string
  /** Base64. */
  readonly bundle: string
  /** HMAC-SHA256 as hexadecimal. Absent without a token. */
  readonly signature?: string
}

export interface SignOptions {
  /** Id of the worker that the plan is for. */
  readonly recipient: string
  /** The wall clock, in Unix milliseconds. */
  readonly now: number
  /** `VITEST_PERF_TOKEN`. Without it the plan is not signed, and only workers without a token take it. */
  readonly token: string | undefined
}

/** Puts a plan into an envelope for one worker, signed with the token. */
export function signPlan({ plan, bundle }: PlanContents, { recipient, now, token }: SignOptions): SignedPlan {
  const nonce = randomBytes(16).toString('hex')
  const signed = { recipient, time: Math.round(now), nonce }
  return {
    format: FORMAT,
    ...signed,
    plan: Buffer.from(plan).toString('base64'),
    bundle: Buffer.from(bundle).toString('base64'),
    ...(token === undefined ? {} : { signature: signatureOf({ ...signed, plan, bundle }, token).toString('hex') }),
  }
}

interface SignedParts extends PlanContents {
  readonly recipient: string
  readonly time: number
  readonly nonce: string
}

/** Signs each part with its length in front, so that no two plans have the same bytes. */
function signatureOf({ recipient, time, nonce, plan, bundle }: SignedParts, token: string): Buffer {
  const hmac = createHmac('sha256', token).update(`vitest-plugin-perf plan ${FORMAT}\n`)
  for (const part of [Buffer.from(recipient), Buffer.from(String(time)), Buffer.from(nonce), plan, bundle]) {
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(BigInt(part.length))
    hmac.update(length).update(part)
  }
  return hmac.digest()
}

/**
 * Returns the proof that a worker has the token, or `undefined` without a token. Without a proof, anybody who reaches the master's port
 * could join as a worker and would be sent plans with their data.
 */
export function proveToken(worker: string, token: string | undefined): string | undefined {
  return token === undefined ? undefined : proofOf(worker, token).toString('hex')
}

function proofOf(worker: string, token: string): Buffer {
  return createHmac('sha256', token).update(`vitest-plugin-perf worker ${FORMAT}\n${worker}`).digest()
}

/** Returns why a worker must not be sent plans, or `undefined`. `proof` is anything that came over the network. */
export function findProofProblem(worker: string, proof: unknown, token: string | undefined): string | undefined {
  if (token === undefined) return undefined
  if (typeof proof === 'string' && /^[0-9a-f]{64}$/.test(proof)) {
    if (timingSafeEqual(proofOf(worker, token), Buffer.from(proof, 'hex'))) return undefined
    return `has another ${TOKEN} than Vitest: set both to the same value, and start the worker again`
  }
  return `has no ${TOKEN}, and Vitest has one: set it to the same value for the worker, and start that again`
}

/** Why a plan is not run. */
export type RefusalReason =
  | 'malformed'
  | 'other-format'
  | 'unsigned'
  | 'not-verifiable'
  | 'altered'
  | 'other-recipient'
  | 'late'
  | 'early'
  | 'replayed'

export interface PlanRefusal {
  readonly reason: RefusalReason
  /** What happened, why and what to do: for the worker's output, and for the controller. Has nothing of the plan or the token in it. */
  readonly message: string
}

/** What became of a plan: its contents, verified, or why it is not run. */
export type OpenedPlan = { readonly contents: PlanContents } | { readonly refusal: PlanRefusal }

const envelope = v.object({
  format: v.literal(FORMAT),
  recipient: v.string(),
  time: v.pipe(v.number(), v.safeInteger()),
  nonce: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  plan: v.string(),
  bundle: v.string(),
  signature: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
})

export interface PlanGateOptions {
  /** Id of this worker: at least 16 random bytes, new with each start. A plan for the process before is then of another worker. */
  readonly recipient: string
  /** `VITEST_PERF_TOKEN`. Without it the gate takes unsigned plans: see `findMasterProblem`. */
  readonly token: string | undefined
  /** Nonces that it remembers (default 1 000). */
  readonly remembered?: number
}

/**
 * Decides which plans a worker runs: those that were signed with its token, for it, within the last minute (`PLAN_WINDOW`), and that it
 * has not run yet. Keep one for the whole life of a worker: it remembers the nonces.
 *
 * It remembers a bounded number of nonces. When it forgets the oldest, it refuses all plans of that signing time and before.
 */
export class PlanGate {
  readonly #recipient: string
  readonly #token: string | undefined
  readonly #remembered: number
  /** Signing times by nonce, of plans that were taken. Only those who have the token can fill it. */
  readonly #taken = new Map<string, number>()
  /** Plans of this time and before are late: their nonces are forgotten. */
  #forgotten = -Infinity

  constructor({ recipient, token, remembered = REMEMBERED_NONCES }: PlanGateOptions) {
    this.#recipient = recipient
    this.#token = token
    this.#remembered = remembered
  }

  /** Opens an envelope, once. `message` is anything that came over the network; `now` is the wall clock in Unix milliseconds. */
  open(message: unknown, now: number): OpenedPlan {
    const parsed = v.safeParse(envelope, message)
    if (!parsed.success) return refuse(...unreadable(message))
    const { recipient, time, nonce, signature, ...encoded } = parsed.output
    const contents = { plan: Buffer.from(encoded.plan, 'base64'), bundle: Buffer.from(encoded.bundle, 'base64') }
    const parts = { recipient, time, nonce, ...contents }
    // Check the signature first: without it a stranger may have written every field.
    const refusal = this.#findForgery(parts, signature) ?? this.#findMisuse(parts, now)
    if (refusal) return { refusal }
    this.#remember(nonce, time)
    return { contents }
  }

  #findForgery(parts: SignedParts, signature: string | undefined): PlanRefusal | undefined {
    if (this.#token === undefined) {
      if (signature === undefined) return undefined
      return refusalOf(
        'not-verifiable',
        `A signed plan came, and this worker has no token to check it with. Set ${TOKEN} to the value that Vitest runs with, and start the worker again.`,
      )
    }
    if (signature === undefined) {
      return refusalOf(
        'unsigned',
        `A plan without a signature was refused. Set ${TOKEN} where Vitest runs, to the value that this worker has. If you started no load, somebody else can reach the master's port: close it.`,
      )
    }
    if (timingSafeEqual(signatureOf(parts, this.#token), Buffer.from(signature, 'hex'))) return undefined
    return refusalOf(
      'altered',
      `A plan whose signature is wrong was refused: it was signed with another token, or altered on its way. Set ${TOKEN} to the same value where Vitest runs and for this worker. If both are the same, somebody else can reach the master's port: close it.`,
    )
  }

  #findMisuse({ recipient, time, nonce }: SignedParts, now: number): PlanRefusal | undefined {
    if (recipient !== this.#recipient) {
      return refusalOf(
        'other-recipient',
        'A plan that was signed for another worker was refused. It was sent a second time, or before this worker was started: start the load again.',
      )
    }
    if (this.#taken.has(nonce)) {
      return refusalOf(
        'replayed',
        "A plan that this worker has already run was refused. Vitest sends no plan twice, so somebody else can reach the master's port: close it.",
      )
    }
    const age = now - time
    if (age > PLAN_WINDOW) return refusalOf('late', lateMessage(age))
    if (age < -PLAN_WINDOW) return refusalOf('early', earlyMessage(-age))
    if (time <= this.#forgotten) {
      return refusalOf(
        'late',
        `A plan that was signed before ${this.#remembered} others was refused: this worker does not know any more whether it has run it. Start the load again.`,
      )
    }
    return undefined
  }

  #remember(nonce: string, time: number): void {
    this.#taken.set(nonce, time)
    if (this.#taken.size <= this.#remembered) return
    const [oldest, itsTime] = [...this.#taken].reduce((one, other) => (other[1] < one[1] ? other : one))
    this.#taken.delete(oldest)
    this.#forgotten = Math.max(this.#forgotten, itsTime)
  }
}

function refusalOf(reason: RefusalReason, message: string): PlanRefusal {
  return { reason, message }
}

function refuse(reason: RefusalReason, message: string): OpenedPlan {
  return { refusal: refusalOf(reason, message) }
}

function unreadable(message: unknown): [RefusalReason, string] {
  const { format } = (message ?? {}) as { format?: unknown }
  if (typeof format === 'number' && format !== FORMAT) {
    return [
      'other-format',
      `A plan of format ${format} came; this worker reads format ${FORMAT}. Install the same version of vitest-plugin-perf for Vitest and for the workers.`,
    ]
  }
  return [
    'malformed',
    "A plan that cannot be read was refused. Only Vitest may send plans: if it sent none, somebody else can reach the master's port: close it.",
  ]
}

function lateMessage(age: number): string {
  return `A plan that was signed ${formatDuration(age)} ago was refused: the limit is ${formatDuration(PLAN_WINDOW)}. It was held back on its way, or the clock of this machine is ahead of that where Vitest runs. Compare \`date -u\` on both, switch NTP on (\`timedatectl set-ntp true\`), and start the load again.`
}

function earlyMessage(ahead: number): string {
  return `A plan whose signing time is ${formatDuration(ahead)} ahead of this machine's clock was refused: the limit is ${formatDuration(PLAN_WINDOW)}. The clock of this machine is behind that where Vitest runs. Compare \`date -u\` on both, switch NTP on (\`timedatectl set-ntp true\`), and start the load again.`
}

/**
 * Returns why a worker must not connect to a master, or `undefined`. Without a token it would run whatever the master sends, so it takes
 * masters on this machine only. `host` is a host as it was typed: a name that is not `localhost` is not looked up.
 */
export function findMasterProblem(host: string, token: string | undefined): string | undefined {
  if (token !== undefined || isLoopback(host)) return undefined
  return `The master on ${host} is another machine, and ${TOKEN} is not set: anybody who reaches its port could run code here. Set ${TOKEN} to the same secret for this worker and where Vitest runs (make one with \`openssl rand -hex 32\`).`
}

/** Characters of a token that nobody guesses from a signature. */
const SHORTEST_TOKEN = 16

/** Returns advice about a token that can be guessed by trial: whoever sees one signed plan can test guesses against it. */
export function findTokenAdvice(token: string | undefined): string | undefined {
  if (token === undefined || token.length >= SHORTEST_TOKEN) return undefined
  return `${TOKEN} has only ${token.length} characters, and can be guessed from a plan that somebody overhears. Make one with \`openssl rand -hex 32\`.`
}
