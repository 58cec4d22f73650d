import { connectionFaultOf, type HealthLook } from './health.ts'

/** So many milliseconds of one and the same answer are enough to know that it stays. */
const STEADY = 3_000

/** Statuses by which a server asks for patience. */
const LATER = [408, 425, 429]

/**
 * What about a look will not change by waiting: a status below 500 that is not healthy (the route is another one, or wants a
 * login), another protocol, or a certificate that is not trusted. `undefined` for everything that a server may still get over, such as 503.
 */
function lastingFault({ outcome, speaks }: HealthLook): string | undefined {
  if (speaks) return speaks
  if (outcome.kind !== 'answer') return connectionFaultOf(outcome)
  if (outcome.status >= 500 || LATER.includes(outcome.status)) return undefined
  return String(outcome.status)
}

/** Notices that a server gives the same wrong answer for so long that it will not give another. Reads no clock. */
export class SteadyAnswer {
  #fault: string | undefined
  #since = 0

  /** Takes a look in that was not healthy; returns whether the same has been found for long enough. `now` in milliseconds. */
  isSteady(look: HealthLook, now: number): boolean {
    const fault = lastingFault(look)
    if (fault === undefined || fault !== this.#fault) {
      this.#fault = fault
      this.#since = now
      return false
    }
    return now - this.#since >= STEADY
  }
}
