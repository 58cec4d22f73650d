import type { LoadErrorCount, LoadErrorKind, LoadErrors } from '../../results/load-result.ts'

/** Counts answers by status and errors by kind. Times are milliseconds from the start of the load. */
export class OutcomeCounts {
  requests = 0
  /** Attempts that got no answer. */
  transportFailures = 0
  non2xx = 0
  readonly #statuses = new Uint32Array(1_000)
  readonly #seen: number[] = []
  readonly #errors = new Map<LoadErrorKind, LoadErrorCount>()

  answer(status: number): void {
    this.requests += 1
    if (status < 200 || status > 299) this.non2xx += 1
    const count = (this.#statuses[status] as number) + 1
    this.#statuses[status] = count
    if (count === 1) this.#seen.push(status)
  }

  /** `answered` if an answer is the error: it was counted as an attempt already. */
  failure(kind: LoadErrorKind, message: string, at: number, answered: boolean): void {
    if (!answered) this.transportFailures += 1
    const known = this.#errors.get(kind)
    if (known) {
      known.count += 1
      known.lastAt = at
    } else {
      this.#errors.set(kind, { count: 1, message, firstAt: at, lastAt: at })
    }
  }

  get errorTotal(): number {
    let total = 0
    for (const { count } of this.#errors.values()) total += count
    return total
  }

  /** Errors divided by attempts, at most 1: a scenario may have several errors for one request. `NaN` without attempts. */
  get errorRate(): number {
    const attempts = this.requests + this.transportFailures
    return attempts === 0 ? Number.NaN : Math.min(1, this.errorTotal / attempts)
  }

  errors(): LoadErrors {
    const byKind = Object.fromEntries([...this.#errors].map(([kind, count]) => [kind, { ...count }]))
    return { total: this.errorTotal, timeouts: this.#errors.get('timeout')?.count ?? 0, non2xx: this.non2xx, byKind }
  }

  statusCodes(): Record<string, number> {
    return Object.fromEntries(this.#seen.map((status) => [status, this.#statuses[status] as number]))
  }
}
