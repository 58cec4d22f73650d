import type { PerfProgressArtifact } from '../vitest/artifacts.ts'

/** A measurement that runs now, as far as a live row shows it. */
export interface LiveMeasurement {
  testId: string
  attempt: number
  latest: PerfProgressArtifact
  /** When `latest` came, on the clock that rows are rendered with. */
  receivedAt: number
  /** Requests/s of the last intervals, oldest first; never more than `HISTORY`. */
  rates: number[]
}

const HISTORY = 40
/** Below this progress an estimate of the whole says nothing. */
const ESTIMATE_FROM = 0.02

/** How long a measurement takes as a whole: as planned, or estimated from how far it is. `undefined` where unknown. */
export function plannedDuration({ planned, progress, elapsed }: PerfProgressArtifact): number | undefined {
  if (planned) return planned
  return progress >= ESTIMATE_FROM && progress <= 1 && elapsed > 0 ? elapsed / progress : undefined
}

/** What runs now, by test and measurement; bounded by what runs at a time, not by how long it runs. */
export class LiveState {
  readonly #running = new Map<string, LiveMeasurement>()

  /** Takes a progress in; `true` when it is the first of its measurement. */
  progress(testId: string, artifact: PerfProgressArtifact, now: number): boolean {
    const key = `${testId}\n${artifact.id}`
    const known = this.#running.get(key)
    const same = known !== undefined && known.attempt === artifact.attempt
    if (!same) this.#endAttemptsBefore(testId, artifact.attempt)
    const rates = same ? known.rates : []
    if (typeof artifact.requestsPerSecond === 'number' && !Number.isNaN(artifact.requestsPerSecond)) {
      rates.push(artifact.requestsPerSecond)
      if (rates.length > HISTORY) rates.shift()
    }
    this.#running.set(key, { testId, attempt: artifact.attempt, latest: artifact, receivedAt: now, rates })
    return !same
  }

  /** Ends a measurement, or with no `id` all of a test. */
  end(testId: string, id?: string): void {
    if (id !== undefined) this.#running.delete(`${testId}\n${id}`)
    else for (const [key, { testId: owner }] of this.#running) if (owner === testId) this.#running.delete(key)
  }

  clear(): void {
    this.#running.clear()
  }

  /** In the order in which they started. */
  running(): LiveMeasurement[] {
    return [...this.#running.values()]
  }

  #endAttemptsBefore(testId: string, attempt: number): void {
    for (const [key, known] of this.#running) {
      if (known.testId === testId && known.attempt < attempt) this.#running.delete(key)
    }
  }
}
