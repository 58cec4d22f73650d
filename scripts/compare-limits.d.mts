import type { LookPlan } from '../src/compare/statistics/looks.ts'

export function simulateFalseAlarms(
  plan: LookPlan,
  options?: { metrics?: number; experiments?: number; seed?: number },
): number

export function simulateVerdicts(
  plan: LookPlan,
  options: { effect: number; scatter: number; most: number; experiments?: number; seed?: number },
): { slower: number; held: number; inconclusive: number; blocks: number }

export function printLimits(): void
