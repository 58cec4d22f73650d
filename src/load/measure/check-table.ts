import type { CheckResult } from '../../results/load-result.ts'
import { MOST_NAMES, OTHER } from './name-table.ts'

interface CheckCount {
  passed: number
  failed: number
  firstFailure?: string
}

/** The counts of a load's checks by name. */
export class CheckTable {
  readonly #checks = new Map<string, CheckCount>()
  #isFull = false

  /** Makes a check known before it is evaluated. */
  announce(name: string): void {
    this.#of(name)
  }

  /** `failure` says what was expected and what came; without one the check has passed. */
  count(name: string, failure: string | undefined): void {
    const counts = this.#of(name)
    if (failure === undefined) counts.passed += 1
    else {
      counts.failed += 1
      counts.firstFailure ??= failure
    }
  }

  #of(name: string): CheckCount {
    const known = this.#checks.get(name)
    if (known) return known
    this.#isFull ||= this.#checks.size >= MOST_NAMES
    const key = this.#isFull ? OTHER : name
    let counts = this.#checks.get(key)
    if (!counts) this.#checks.set(key, (counts = { passed: 0, failed: 0 }))
    return counts
  }

  results(): Record<string, CheckResult> {
    return Object.fromEntries(
      [...this.#checks].map(([name, counts]) => {
        const all = counts.passed + counts.failed
        return [name, { ...counts, rate: all === 0 ? Number.NaN : counts.passed / all }]
      }),
    )
  }

  /** What was cut, for people. */
  remark(): string | undefined {
    return this.#isFull
      ? `This load has more than ${MOST_NAMES} names of checks: all further ones are counted as '${OTHER}'. Names that hold an id are the usual cause.`
      : undefined
  }
}
