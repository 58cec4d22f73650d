import { formatCount, formatDuration } from '../units.ts'
import { oneLine } from './screen-text.ts'
import type { LoadEntry } from './summary.ts'

/** What must be known of a load to read its figures, whether its test passed or not. */
export function loadRemarks({ result }: LoadEntry): string[] {
  const { collections, dropped, generator, saturated } = result
  const reason = generator.reason ? `: ${oneLine(generator.reason)}` : ''
  return [
    ...(dropped ? [`${formatCount(dropped)} arrivals were dropped: all connections were busy`] : []),
    ...(saturated ? [`the generator, not the server, was the limit${reason}`] : []),
    ...(collections?.requestsHit
      ? [
          `${formatCount(collections.requestsHit)} requests waited for one of ${formatCount(collections.count)} forced collections (${formatDuration(collections.time)} in all) of the memory watch`,
        ]
      : []),
  ]
}
