import { studentQuantile } from './student-t.ts'

/** How often a comparison looks at its blocks, and how strict each look is. */
export interface LookPlan {
  /** Numbers of blocks after which it may stop. */
  readonly looks: readonly number[]
  /** One-sided level of each look for one judged metric; several metrics share it. */
  readonly level: number
}

/**
 * All looks of a plan together call equal servers different in 0.68 % of comparisons on each side, whatever the number of
 * judged metrics. `scripts/compare-limits.mjs` computes the levels. The limits in t are 6.03, 4.58, 4.09, 3.69 and 3.53 for two
 * metrics at the five looks of `SHORT`, and 5.16, 4.07, 3.68, 3.38 and 3.24 for one.
 */
export const SHORT: LookPlan = { looks: [6, 9, 12, 18, 24], level: 0.0018 }
/** For comparisons that have the time for more than 24 blocks. */
export const LONG: LookPlan = { looks: [6, 9, 12, 18, 24, 36, 48, 72, 96], level: 0.00106 }

export const FEWEST_BLOCKS = 6

/** Whether a comparison may stop after so many blocks. */
export function isLook({ looks }: LookPlan, blocks: number): boolean {
  return looks.includes(blocks)
}

export function mostBlocks({ looks }: LookPlan): number {
  return looks.at(-1) as number
}

const limits = new Map<string, number>()

/** Half the width of the interval in standard errors, where `metrics` are judged after `blocks`. */
export function limitOf({ level }: LookPlan, metrics: number, blocks: number): number {
  const tail = level / Math.max(1, metrics)
  const key = `${tail} ${blocks}`
  const known = limits.get(key)
  if (known !== undefined) return known
  const limit = studentQuantile(tail, blocks - 1)
  limits.set(key, limit)
  return limit
}
