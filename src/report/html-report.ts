import { URL } from 'node:url'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { formatBytes, formatDuration } from '../units.ts'
import { groupFailures } from './failure-groups.ts'
import { renderNames } from './html-names.ts'
import { renderPlots } from './html-plots.ts'
import { escapeHtml } from './html-text.ts'
import type { JsonReport, JsonReportTest } from './json-report.ts'
import { MEASUREMENT_KINDS } from './measurement-kinds.ts'
import { loadPlots, memoryPlot, type LoadPlots, type MemoryPlot } from './plot-data.ts'
import { testName, type TestSummary } from './summary.ts'
import type { TestTable } from './table.ts'
import { testTables } from './test-tables.ts'
import { nothingAsserted, verdictOf } from './verdict.ts'

/** What the page's script draws, in the order of the tests on the page. */
interface PagePlots {
  tests: { loads: LoadPlots[]; memory: MemoryPlot[] }[]
}

/** The report as one HTML file: no network, readable without its script, and nothing in it but text is ever a name. */
export function renderHtmlReport(report: JsonReport): string {
  const assets = readAssets()
  const tests = [...report.tests].sort((a, b) => Number(b.state === 'failed') - Number(a.state === 'failed'))
  const plots: PagePlots = {
    tests: tests.map((test) => ({
      loads: test.loads.map((load) => loadPlots(load, test)),
      memory: test.memory.map(memoryPlot),
    })),
  }
  // `<` never stands in the data, so nothing in it can end the element.
  const data = JSON.stringify(plots).replace(/</g, '\\u003c')
  const script = [assets.plotScript, assets.pageScript, ...kindScripts(tests)].join('\n')
  const style = `${assets.plotStyle}\n${assets.pageStyle}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; script-src '${hash(script)}'; style-src '${hash(style)}' ${injectedStyles(script)}">
<title>${escapeHtml(verdictOf({ ...report.run, tests }).text)}</title>
<style>${style}</style>
</head>
<body>
${renderHeader(report, tests)}
${renderToolbar(tests)}
<main id="tests">
${tests.map((test, index) => renderTest(test, index, tests.length)).join('\n')}
<p id="nothing" hidden>No test matches the filter.</p>
</main>
<footer>${renderEnvironment(report)}</footer>
<script type="application/json" id="plots">${data}</script>
<script>${script}</script>
</body>
</html>
`
}

function readAssets(): Record<'plotScript' | 'plotStyle' | 'pageScript' | 'pageStyle', string> {
  const require = createRequire(import.meta.url)
  const page = (name: string) => readFileSync(new URL(`../../assets/report/${name}`, import.meta.url), 'utf8')
  return {
    plotScript: readFileSync(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    plotStyle: readFileSync(require.resolve('uplot/dist/uPlot.min.css'), 'utf8'),
    pageScript: `${page('plots.js')}\n${page('names.js')}\n${page('filter.js')}`,
    pageStyle: page('page.css'),
  }
}

function kindScripts(tests: readonly JsonReportTest[]): string[] {
  return MEASUREMENT_KINDS.flatMap(({ name, pageScript }) =>
    pageScript && tests.some(({ measurements }) => (measurements[name] ?? []).length > 0) ? [pageScript()] : [],
  )
}

/** A library of the page brings its own style sheet: allowed to the letter, as all else. */
function injectedStyles(script: string): string {
  const found = script.matchAll(/\.textContent\s*=\s*(?:"((?:[^"\\]|\\.)*)"|`([^`\\]*)`)/g)
  return [...found]
    .map(([, quoted, template]) => (template === undefined ? (JSON.parse(`"${quoted}"`) as string) : template))
    .filter((text) => text.includes('{'))
    .map((text) => `'${hash(text)}'`)
    .join(' ')
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

/** So many causes are seen at once; the page's header folds the others. */
const CAUSES_SHOWN = 5

function renderHeader(report: JsonReport, tests: readonly JsonReportTest[]): string {
  const verdict = verdictOf({ ...report.run, tests: [...tests] })
  const groups = groupFailures(tests).map(({ cause, tests: sharing }) => renderCause(cause, sharing, tests))
  const folded = groups.slice(CAUSES_SHOWN)
  const { environment, run } = report
  const facts = [
    run.reportedAt.slice(0, 16).replace('T', ' ') + ' UTC',
    ...(environment.commit ? [`commit ${environment.commit.slice(0, 9)}`] : []),
    `${environment.cores} cores`,
    `Node ${environment.node.replace(/^v/, '')}`,
  ]
  return `<header class="${verdict.state}">
<p class="facts">${facts.map(escapeHtml).join(' · ')}</p>
<h1><span class="mark" aria-hidden="true">${MARKS[verdict.state]}</span> ${escapeHtml(verdict.text)}</h1>
${groups.length > 0 ? `<ul class="causes">\n${groups.slice(0, CAUSES_SHOWN).join('\n')}\n</ul>` : ''}
${folded.length > 0 ? `<details class="more"><summary>${folded.length} more ${folded.length === 1 ? 'cause' : 'causes'}</summary><ul class="causes">\n${folded.join('\n')}\n</ul></details>` : ''}
</header>`
}

function renderCause(cause: string, sharing: readonly TestSummary[], tests: readonly JsonReportTest[]): string {
  const links = sharing.map((test) => {
    const index = tests.findIndex((other) => other === test)
    return `<a href="#test-${index}">${escapeHtml(testName(test))}</a>`
  })
  const names =
    links.length <= 3
      ? links.join(', ')
      : `<details><summary>${links.length} tests</summary>${links.join(', ')}</details>`
  return `<li>${names} <span>${escapeHtml(cause)}</span></li>`
}

const MARKS = { passed: '✓', failed: '✗', pending: '○', skipped: '↓', unsure: '○' }

function renderToolbar(tests: readonly JsonReportTest[]): string {
  const count = (state: string) => tests.filter((test) => test.state === state).length
  const verdicts = [
    { value: 'all', label: 'All', count: tests.length },
    { value: 'failed', label: 'Failed', count: count('failed') },
    { value: 'passed', label: 'Passed', count: count('passed') },
  ]
  const buttons = verdicts.map(
    ({ value, label, count }) =>
      `<button type="button" data-verdict="${value}" aria-pressed="${String(value === 'all')}">${label} <b>${count}</b></button>`,
  )
  return `<nav aria-label="Filter">
<input type="search" id="search" placeholder="Filter by name" aria-label="Filter tests by name" aria-keyshortcuts="/">
<div class="verdicts" role="group" aria-label="Filter by verdict">${buttons.join('')}</div>
<button type="button" id="toggle">Open all</button>
<p class="keys"><kbd>/</kbd> filter <kbd>j</kbd> <kbd>k</kbd> next, previous <kbd>Enter</kbd> open</p>
</nav>`
}

function renderTest(test: JsonReportTest, index: number, total: number): string {
  const open = test.state === 'failed' || total <= 2
  // The page has a table of names of its own, which can be sorted.
  const tables = testTables(test).filter(({ kind }) => kind !== 'name')
  const project = test.project ? `${test.project} · ` : ''
  const line = test.location ? `:${test.location.line}` : ''
  return `<details class="test ${test.state}" id="test-${index}" data-name="${escapeHtml(`${testName(test)} ${test.file}`.toLowerCase())}" data-verdict="${test.state}"${open ? ' open' : ''}>
<summary>
<span class="mark" role="img" aria-label="${test.state}">${MARKS[test.state]}</span>
<span class="title"><b>${escapeHtml(testName(test))}</b><small>${escapeHtml(`${project}${test.file}${line}`)} · ${escapeHtml(formatDuration(test.duration))}${retryText(test)}</small></span>
${renderChips(test)}
</summary>
<div class="body">
${renderFailure(test)}
${renderUnasserted(test)}
<div class="tables">${tables.map(renderTable).join('\n')}</div>
${renderNames(test)}
${renderPlots(test)}
${renderMeasurements(test)}
</div>
</details>`
}

function retryText({ retries, expectedToFail }: JsonReportTest): string {
  const expected = expectedToFail ? ' · fails, as expected' : ''
  return expected + (retries > 0 ? ` · ${retries} ${retries === 1 ? 'retry' : 'retries'}` : '')
}

/** The figures that are seen without opening a test. */
function renderChips(test: JsonReportTest): string {
  const load = testTables(test).find(({ kind }) => kind === 'load')
  const memory = testTables(test).find(({ kind }) => kind === 'memory')
  const chips = [
    ...(load ? [1, 2, 4, 6].map((at) => ({ label: load.columns[at]?.title ?? '', cell: load.rows.at(-1)?.[at] })) : []),
    ...(memory ? [{ label: 'memory', cell: memory.rows.at(-1)?.at(-1) }] : []),
  ]
  const items = chips.map(
    ({ label, cell }) =>
      `<span class="chip${cell?.tone && cell.tone !== 'strong' ? ` ${cell.tone}` : ''}"><i>${escapeHtml(label)}</i> ${escapeHtml(cell?.text ?? '')}</span>`,
  )
  return `<span class="chips">${items.join('')}</span>`
}

function renderFailure({ failure }: JsonReportTest): string {
  if (!failure) return ''
  const details = failure.details.map(
    (line) => `<li${line.startsWith(' ') ? ' class="deeper"' : ''}>${escapeHtml(line.trim())}</li>`,
  )
  const output = failure.output.map(escapeHtml).join('\n')
  return `<section class="failure" aria-label="Why it failed">
<p class="cause"><b>Failed first:</b> ${escapeHtml(failure.cause)}</p>
${details.length > 0 ? `<ul>${details.join('')}</ul>` : ''}
${output ? `<p>Last lines of the server</p><pre tabindex="0">${output}</pre>` : ''}
</section>`
}

function renderUnasserted(test: JsonReportTest): string {
  const remark = nothingAsserted(test)
  return remark ? `<p class="remark">${escapeHtml(remark)}</p>` : ''
}

function renderTable({ columns, rows, notes }: TestTable): string {
  const head = columns.map(
    ({ title, align }) => `<th scope="col"${align === 'right' ? ' class="number"' : ''}>${escapeHtml(title)}</th>`,
  )
  const body = rows.map((row) => {
    const cells = row.map(({ text, tone }, at) => {
      const classes = [columns[at]?.align === 'right' ? 'number' : '', tone ?? ''].filter(Boolean).join(' ')
      const attribute = classes ? ` class="${classes}"` : ''
      const tag = at === 0 ? 'th scope="row"' : 'td'
      return `<${tag}${attribute} data-label="${escapeHtml(columns[at]?.title ?? '')}">${escapeHtml(text)}</${tag.slice(0, 2)}>`
    })
    return `<tr>${cells.join('')}</tr>`
  })
  const below = notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`).join('')
  return `<div class="table"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table>${below}</div>`
}

/** What further kinds of measurement draw. */
function renderMeasurements({ measurements }: JsonReportTest): string {
  const pages = MEASUREMENT_KINDS.flatMap(({ name, page }) => (page ? (measurements[name] ?? []).map(page) : []))
  return pages.filter(Boolean).join('\n')
}

function renderEnvironment({ environment }: JsonReport): string {
  const facts: [string, string | null][] = [
    ['vitest-plugin-perf', environment.plugin],
    ['Node', environment.node],
    ['Vitest', environment.vitest],
    ['Processor', environment.cpu],
    ['Cores', String(environment.cores)],
    ['Memory', formatBytes(environment.memory)],
    ['System', `${environment.platform} ${environment.release} ${environment.arch}`],
    ['CI', environment.ci],
    ['Commit', environment.commit],
  ]
  const items = facts.flatMap(([name, value]) =>
    value ? [`<div><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`] : [],
  )
  return `<dl>${items.join('')}</dl><p>Figures of different machines are not comparable.</p>`
}
