/** The search for the highest rate that holds: pure, from the steps so far to the next one. */

export interface CapacityRange {
  /** Arrivals per second of the first step. */
  readonly from: number
  /** The highest rate to try. */
  readonly to: number
  /** Relative width of the interval at which the search ends. */
  readonly precision: number
}

/** What the search needs to know of a step. */
export interface TriedStep {
  readonly rate: number
  readonly holds: boolean
  readonly attempt: number
}

export type NextStep =
  | { readonly rate: number; readonly attempt: number }
  /** `holds` is 0 where nothing held, `fails` is absent where nothing failed. */
  | { readonly done: true; readonly holds: number; readonly fails: number | undefined }

const GROWTH = 2
/** The first rate, divided by this, is the lowest that is tried. */
const LOWEST = 64
/** Tries of a rate before it counts as failed: the machine may have caused one failure. */
const TRIES = 2

/** Rates for people: three digits. */
function roundRate(rate: number): number {
  return Number(rate.toPrecision(3))
}

/** The highest rate that held, and the lowest that failed twice. */
export function boundsOf(steps: readonly TriedStep[]): { holds: number; fails: number | undefined } {
  const holds = Math.max(0, ...steps.filter((step) => step.holds).map(({ rate }) => rate))
  const failed = steps.filter((step) => !step.holds && step.attempt >= TRIES && step.rate > holds)
  return { holds, fails: failed.length > 0 ? Math.min(...failed.map(({ rate }) => rate)) : undefined }
}

/** What to try next: twice the rate while it holds, then the middle between what holds and what does not. */
export function nextStep(steps: readonly TriedStep[], { from, to, precision }: CapacityRange): NextStep {
  const last = steps.at(-1)
  if (!last) return { rate: Math.min(from, to), attempt: 1 }
  if (!last.holds && last.attempt < TRIES) return { rate: last.rate, attempt: last.attempt + 1 }
  const { holds, fails } = boundsOf(steps)
  if (fails === undefined) return holds >= to ? { done: true, holds, fails } : step(Math.min(to, holds * GROWTH), steps)
  if (holds === 0) {
    return fails <= from / LOWEST ? { done: true, holds, fails } : step(fails / GROWTH, steps)
  }
  if (fails - holds <= precision * holds) return { done: true, holds, fails }
  return step(Math.sqrt(holds * fails), steps)
}

/** The search ends if rounding makes the next rate one that was tried. */
function step(rate: number, steps: readonly TriedStep[]): NextStep {
  const rounded = roundRate(rate)
  return steps.some((tried) => tried.rate === rounded)
    ? { done: true, ...boundsOf(steps) }
    : { rate: rounded, attempt: 1 }
}
