import type { Listener } from './listeners.ts'
import type { HealthLook } from './health.ts'

/** Milliseconds between two looks at the ports of a server that refuses connections on its own. */
const LOOK_INTERVAL = 1_000
/** A server that is healthy on another port for so many milliseconds does not move to the port that it was given. */
const HEALTHY_ELSEWHERE = 3_000
/** The same for one that answers anything else there. It may be a port for metrics, so the server may still be starting. */
const ANSWERS_ELSEWHERE = 10_000

/** Statuses of a port that is no finished HTTP server: Node's inspector answers 400, a WebSocket server 426. */
const NO_ANSWER = [400, 408, 425, 426, 429]

/** What the server was like at one moment. */
export interface OtherPortLook {
  readonly listeners: readonly Listener[]
  /** The same health check, asked of each listener. */
  readonly looks: readonly HealthLook[]
  /** Bytes that the server has printed so far. */
  readonly printed: number
}

/** `answers`: it speaks HTTP (or accepts connections) there, but is not healthy. */
export type OtherPortFinding = 'healthy' | 'answers'

function answers({ outcome, speaks }: HealthLook): boolean {
  if (speaks || outcome.kind === 'open') return true
  return outcome.kind === 'answer' && outcome.status < 500 && !NO_ANSWER.includes(outcome.status)
}

function findingOf(looks: readonly HealthLook[]): OtherPortFinding | undefined {
  // That a port accepts connections says nothing about what is behind it.
  if (looks.some(({ outcome, result }) => outcome.kind === 'answer' && result.healthy)) return 'healthy'
  return looks.some(answers) ? 'answers' : undefined
}

/** Notices that a server is up on another port than the one it was given, and stays there. Reads no clock. */
export class OtherPort {
  readonly #isPatient: boolean
  #state = ''
  #since = 0
  #looked: number

  /**
   * @param now in milliseconds, as all times here.
   * @param isPatient only a healthy answer on another port counts.
   */
  constructor(now: number, isPatient: boolean) {
    this.#looked = now
    this.#isPatient = isPatient
  }

  /** Whether it is time for a look; the next one is due a second later. */
  isDue(now: number): boolean {
    if (now - this.#looked < LOOK_INTERVAL) return false
    this.#looked = now
    return true
  }

  /** Takes a look in; returns what the server has been on another port for long enough, if anything. */
  settle({ listeners, looks, printed }: OtherPortLook, now: number): OtherPortFinding | undefined {
    const finding = findingOf(looks)
    const places = listeners.map(({ address, port }) => `${address} ${port}`).toSorted()
    // A server that prints is still busy with its start; one that is healthy has finished it.
    const state = finding ? [finding, ...places, finding === 'healthy' ? '' : printed].join() : ''
    if (finding === undefined || state !== this.#state) {
      this.#state = state
      this.#since = now
      return undefined
    }
    const needed = finding === 'healthy' ? HEALTHY_ELSEWHERE : this.#isPatient ? Infinity : ANSWERS_ELSEWHERE
    return now - this.#since >= needed ? finding : undefined
  }
}
