import { IN_ANSWER } from '../http/failure.ts'
import type { Measurement } from '../measure/measurement.ts'

/** Says why a load has no result: not one answer in `after` milliseconds. */
export function describeNothing(url: string, { recorder, begun }: Measurement, after: number): string {
  const time = `${Math.round(after)} ms`
  if (begun === 0) return `${url} was asked nothing in ${time}: no request was due`
  const { outcomes, dropped } = recorder
  const { byKind } = outcomes.errors()
  const [first] = Object.values(byKind)
  const why = first ? ` (${outcomes.errorTotal} errors, the first: ${first.message})` : ': they were still under way'
  const rest = dropped > 0 ? `; ${dropped} more found no free connection` : ''
  // A TLS server closes every connection that begins with plain HTTP.
  const hasBegun = first?.message.includes(IN_ANSWER)
  const isTlsLikely = url.startsWith('http:') && Object.keys(byKind).join() === 'reset' && !hasBegun
  return `${url} answered none of ${begun - dropped} requests in ${time}${why}${rest}${isTlsLikely ? '. Does it speak HTTPS?' : ''}`
}

/** The same of a scenario. */
export function describeNoAnswer(name: string, { recorder, begun }: Measurement, after: number): string {
  const [first] = Object.values(recorder.outcomes.errors().byKind)
  const why = first ? ` (${recorder.outcomes.errorTotal} errors, the first: ${first.message})` : ''
  const sent = begun - recorder.dropped
  const what = sent === 0 ? 'sent no request' : `got no answer to any of ${sent} requests`
  return `${name} ${what} in ${Math.round(after)} ms${why}`
}
