import { formatBytes, isMeasured } from '../units.ts'
import { escapeHtml } from './html-text.ts'
import type { MemoryEntry, TestSummary } from './summary.ts'

/** Places for the plots; the script fills them when they come into view. */
export function renderPlots(test: TestSummary): string {
  const loads = test.loads.flatMap((load, entry) => {
    const of = test.loads.length > 1 ? load.title : ''
    const errors = load.result.samples.some((sample) => sample.errors || sample.dropped)
    return [
      figure('spectrum', entry, 'Latency by percentile', of),
      figure('latency', entry, 'Latency over time', of),
      figure('rate', entry, 'Requests/s over time', of),
      ...(errors ? [figure('errors', entry, 'Errors by kind over time', of)] : []),
    ]
  })
  const memory = test.memory.map((watch, entry) =>
    figure('memory', entry, 'Memory over time', watch.target, leakBanner(watch), leakStatistics(watch)),
  )
  const figures = [...loads, ...memory]
  return figures.length > 0 ? `<div class="plots">${figures.join('\n')}</div>` : ''
}

function figure(plot: string, entry: number, title: string, of: string, above = '', below = ''): string {
  const caption = `<figcaption>${escapeHtml(title)}${of ? ` <small>${escapeHtml(of)}</small>` : ''}</figcaption>`
  const place = `<div class="plot" role="img" aria-label="${escapeHtml(`${title} ${of}`)}"></div>`
  return `<figure data-plot="${plot}" data-entry="${entry}">${caption}${above}${place}${below}</figure>`
}

const TONES = { leak: 'bad', stable: 'good', inconclusive: 'unsure' }

/** The verdict above the floors and their trend, with the function that keeps the memory. */
function leakBanner({ result: { leak } }: MemoryEntry): string {
  const [keeper] = leak.suspects ?? []
  const rate = isMeasured(leak.bytesPerRequest)
    ? `${formatBytes(leak.bytesPerRequest)} a request`
    : `${formatBytes(leak.bytesPerSecond)}/s`
  const text = {
    leak: `Leak: ${rate}${keeper ? `, kept by ${keeper.function} (${keeper.location})` : ''}`,
    stable: 'No leak',
    inconclusive: `Inconclusive: ${leak.reason}`,
  }
  return `<p class="banner ${TONES[leak.verdict]}">${escapeHtml(text[leak.verdict])}</p>`
}

function leakStatistics({ result: { leak, floors } }: MemoryEntry): string {
  const p = isMeasured(leak.pValue)
    ? `, p ${leak.pValue < 0.0001 ? '< 0.0001' : `= ${Number(leak.pValue.toPrecision(2))}`}`
    : ''
  const reason = leak.verdict === 'inconclusive' ? '' : `${leak.reason.replace(/\.$/, '')}. `
  return `<p class="note">${escapeHtml(`${reason}${floors.length} readings after collection${p}`)}</p>`
}
