import type { Measurement } from '../measure/measurement.ts'

/** Says why a load has no result: not one answer in `after` milliseconds. */
export function describeNothing(url: string, { recorder, begun }: Measurement, after: number): string {
  const time = `${Math.round(after)} ms`
  if (begun === 0) return `${url} was asked nothing in ${time}: no request was due`
  const { outcomes, dropped } = recorder
  const [first] = Object.values(outcomes.errors().byKind)
  const why = first ? ` (${outcomes.errorTotal} errors, the first: ${first.message})` : ': they were still under way'
  const rest = dropped > 0 ? `; ${dropped} more found no free connection` : ''
  return `${url} answered none of ${begun - dropped} requests in ${time}${why}${rest}`
}
