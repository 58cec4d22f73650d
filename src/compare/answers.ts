import type { SeenAnswer, TurnBlock, TurnSide } from '../load/plan/turns-plan.ts'

/** Bytes, and share of the larger, by which bodies may differ: a number with another digit in it, a date. */
const TOLERATED_BYTES = 16
const TOLERATED_SHARE = 0.01

function list(values: readonly number[]): string {
  return [...new Set(values)].sort((one, other) => one - other).join(' and ')
}

function rangeOf(values: readonly number[]): [low: number, high: number] {
  return [Math.min(...values), Math.max(...values)]
}

/** Whether no body of one server is as large as any of the other. */
function differInSize(base: readonly number[], head: readonly number[]): boolean {
  const [[baseLow, baseHigh], [headLow, headHigh]] = [rangeOf(base), rangeOf(head)]
  const gap = Math.max(headLow - baseHigh, baseLow - headHigh)
  return gap > Math.max(TOLERATED_BYTES, TOLERATED_SHARE * Math.max(baseHigh, headHigh))
}

function differenceOf(base: SeenAnswer, head: SeenAnswer): string | undefined {
  const { request } = base
  if (list(base.statuses) !== list(head.statuses)) {
    return `${request} answers ${list(base.statuses)} in base and ${list(head.statuses)} in head`
  }
  if (!differInSize(base.sizes, head.sizes)) return undefined
  return `${request} answers ${list(base.sizes)} bytes in base and ${list(head.sizes)} in head`
}

function statusesOf({ sides }: TurnBlock, side: TurnSide): string {
  return Object.keys(sides[side].statusCodes).sort().join(', ')
}

/** How the answers of the two servers differ, in a sentence without its full stop; `undefined` where they do not. */
export function differenceOfAnswers(block: TurnBlock): string | undefined {
  const { base, head } = block.sides
  for (const [index, seen] of base.answers.entries()) {
    const found = head.answers[index] && differenceOf(seen, head.answers[index])
    if (found) return found
  }
  const [ofBase, ofHead] = [statusesOf(block, 'base'), statusesOf(block, 'head')]
  return ofBase === ofHead ? undefined : `base answers with the statuses ${ofBase} and head with ${ofHead}`
}
