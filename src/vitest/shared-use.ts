import type { ServerEvent } from '../server/perf-server.ts'
import { observeServer } from './measurement-observers.ts'
import type { TestAttempt } from './test-attempt.ts'

type Observe = (event: ServerEvent) => void

/** Who uses a shared server now: what happens to it stands in the report of that test. */
export class SharedUse {
  #first: Observe | undefined
  #current: { attempt: TestAttempt; observe: Observe } | undefined
  /** What happened before any test used it. */
  readonly #early: ServerEvent[] = []

  begin(attempt: TestAttempt): void {
    if (this.#current?.attempt === attempt) return
    const observe = observeServer(attempt)
    this.#current = { attempt, observe }
    this.#first ??= observe
    for (const event of this.#early.splice(0)) observe(event)
  }

  tell(event: ServerEvent): void {
    // The orderly end belongs to the test that had it started, whose report tells of its start.
    const observe = event.event === 'stopped' ? this.#first : this.#current?.observe
    if (observe) observe(event)
    else this.#early.push(event)
  }
}
