import { escapeHtml } from './html-text.ts'
import { nameCells, namesOf } from './load-tables.ts'
import type { LoadEntry, TestSummary } from './summary.ts'

const COLUMNS = ['requests', 'requests/s', 'p50', 'p95', 'p99', 'errors']

/** For each load with several names a table with a row a name, sortable by each column, and a plot of the chosen one. */
export function renderNames(test: TestSummary): string {
  return test.loads.map((load, entry) => renderLoad(load, entry, test)).join('')
}

function renderLoad(load: LoadEntry, entry: number, test: TestSummary): string {
  const names = namesOf(load)
  if (names.length < 2) return ''
  const missed = new Set(
    test.thresholds
      .filter(({ passed, attempt, measurement }) => !passed && attempt === load.attempt && measurement === load.id)
      .map(({ metric }) => metric),
  )
  const of = test.loads.length > 1 ? ` of ${load.title}` : ''
  const head = ['name', ...COLUMNS].map(
    (title, at) =>
      `<th scope="col"${at > 0 ? ' class="number"' : ''}${title === 'requests' ? ' aria-sort="descending"' : ''}><button type="button" data-sort="${at}">${title}</button></th>`,
  )
  // As `loadPlots` counts them: only names with a series can be drawn.
  let drawn = -1
  const rows = names.map(({ name, figures }) => {
    const canDraw = (figures.samples?.length ?? 0) > 0
    if (canDraw) drawn += 1
    const { requests, requestsPerSecond, latency, errors } = figures
    const values = [requests, requestsPerSecond, latency.p50, latency.p95, latency.p99, errors.total]
    const [title, ...cells] = nameCells(name, figures, missed, '', false)
    const label = escapeHtml(title?.text ?? '')
    const first = canDraw
      ? `<button type="button" data-name="${drawn}" aria-pressed="${drawn === 0}">${label}</button>`
      : label
    const others = cells.map(
      ({ text, tone }, at) =>
        `<td class="number${tone ? ` ${tone}` : ''}" data-label="${COLUMNS[at]}" data-value="${values[at] ?? ''}">${escapeHtml(text)}</td>`,
    )
    return `<tr><th scope="row" data-label="name" data-value="${label.toLowerCase()}">${first}</th>${others.join('')}</tr>`
  })
  const plot =
    drawn < 0
      ? ''
      : `<figure data-plot="name" data-entry="${entry}" data-name="0"><figcaption>Latency over time <small data-chosen></small></figcaption><div class="plot" role="img" aria-label="Latency over time of the chosen name"></div></figure>`
  return `<section class="names" aria-label="By name">
<h2>By name<small>${escapeHtml(of)}</small></h2>
<div class="split"><div class="table"><table><thead><tr>${head.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>${plot}</div>
</section>`
}
