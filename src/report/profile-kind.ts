import { URL } from 'node:url'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import type { LoadProfile, ProfiledIsolate, ProfileWait } from '../results/profile-result.ts'
import { formatCount, formatDuration, formatRatio } from '../units.ts'
import type { PerfProfileArtifact } from '../vitest/artifacts.ts'
import { escapeHtml } from './html-text.ts'
import type { MeasurementEntry, MeasurementKind } from './measurement-kind.ts'

/** Why a load was slow: the profile of its server. */
export interface ProfileEntry extends MeasurementEntry {
  /** `id` of the load. */
  measurement?: string
  profile: LoadProfile
}

/** Rows of the page's tables. */
const MOST_ROWS = 12

/** What the flame graph is drawn with, in the order in which the page loads it. */
const LIBRARIES = [
  'd3-array',
  'd3-dispatch',
  'd3-ease',
  'd3-color',
  'd3-interpolate',
  'd3-timer',
  'd3-time',
  'd3-time-format',
  'd3-format',
  'd3-hierarchy',
  'd3-selection',
  'd3-transition',
  'd3-scale',
]

export const PROFILE_KIND: MeasurementKind<PerfProfileArtifact, ProfileEntry> = {
  name: 'profiles',
  type: 'perf:profile',
  entry: ({ id, attempt, title, measurement, profile }, test) => ({
    id,
    attempt,
    title: title ?? test,
    ...(measurement !== undefined && { measurement }),
    profile,
  }),
  columns: [
    { title: 'why' },
    { title: 'loop busy', align: 'right' },
    { title: 'garbage collection', align: 'right' },
    { title: 'hottest' },
    { title: 'longest wait' },
  ],
  row({ title, profile: { isolates, waits } }) {
    const [busiest] = isolates
    const hottest = busiest?.hot.find(({ code }) => code === 'own')
    const [wait] = waits
    return [
      { text: title },
      { text: busiest ? formatRatio(busiest.eventLoopUtilization) : '–' },
      { text: busiest ? formatRatio(busiest.cpu.gc) : '–' },
      { text: hottest ? `${hottest.function} ${formatRatio(hottest.attributed)}` : '–' },
      { text: wait ? `${wait.what} ${formatRatio(wait.share)}` : '–' },
    ]
  },
  notes: ({ profile }) => [
    ...profile.summary,
    ...(isOfProfiledServer(profile) ? [`its figures are ${OF_PROFILED_SERVER}`] : []),
    ...profile.files.map((file) => `profile for DevTools: ${file}`),
  ],
  reason: ({ measurement, profile: { summary } }, wanted) => {
    const isSame = measurement === undefined || wanted === undefined || measurement === wanted
    return isSame ? summary.find((sentence) => /^(The event loop|Requests) /.test(sentence)) : undefined
  },
  page: renderProfile,
  pageScript: readScript,
}

function readScript(): string {
  const require = createRequire(import.meta.url)
  const graph = require.resolve('d3-flame-graph')
  const inGraph = createRequire(graph)
  const libraries = LIBRARIES.map((name) => {
    // Their entry is the source; the file for a page stands in `dist`.
    const folder = inGraph.resolve(name).replace(/([\\/]node_modules[\\/][^\\/]+)[\\/].*$/, '$1')
    return readFileSync(join(folder, 'dist', `${basename(folder)}.min.js`), 'utf8')
  })
  return [
    ...libraries,
    readFileSync(join(dirname(graph), 'd3-flamegraph.umd.min.js'), 'utf8'),
    readFileSync(new URL('../../assets/report/flame.js', import.meta.url), 'utf8'),
  ].join('\n')
}

const OF_PROFILED_SERVER = 'those of a server that was profiled meanwhile'

function isOfProfiledServer({ repeated, isolates }: LoadProfile): boolean {
  return !repeated && isolates.length > 0
}

function renderProfile({ title, profile }: ProfileEntry): string {
  const mark = profile.repeated
    ? 'the same load once more, with the profiler'
    : `the load's figures are ${OF_PROFILED_SERVER}`
  const again = profile.repeated || isOfProfiledServer(profile) ? ` <small>${mark}</small>` : ''
  return `<section class="profile">
<h3>Why: ${escapeHtml(title)}${again}</h3>
<ul class="why">${profile.summary.map((sentence) => `<li>${escapeHtml(sentence)}</li>`).join('')}</ul>
${profile.isolates
  .slice(0, 4)
  .map((isolate) => renderIsolate(isolate, profile.isolates.length))
  .join('\n')}
${renderWaits(profile.waits)}
</section>`
}

function renderIsolate(isolate: ProfiledIsolate, total: number): string {
  const { pid, threadId, cpu, hot, flame } = isolate
  const name = `process ${pid}${threadId === 0 ? '' : `, thread ${threadId}`}`
  const tree = escapeHtml(JSON.stringify({ name, location: '', code: 'node', children: flame }))
  const rows = hot
    .slice(0, MOST_ROWS)
    .map(
      (found) =>
        `<tr><td><code>${escapeHtml(found.function)}</code></td><td><code>${escapeHtml(found.location)}</code></td><td class="right">${formatRatio(found.self)}</td><td class="right">${formatRatio(found.total)}</td></tr>`,
    )
  const graph =
    flame.length === 0
      ? ''
      : `<figure class="flame" data-tree="${tree}"><figcaption>CPU time of ${escapeHtml(name)}: code ${formatRatio(cpu.user)}, garbage collection ${formatRatio(cpu.gc)}, idle ${formatRatio(cpu.idle)} <input type="search" placeholder="Find a function" aria-label="Find a function in the flame graph"></figcaption><div class="graph"></div><p class="detail" aria-live="polite"></p></figure>`
  return `${graph}
<details${total === 1 ? ' open' : ''}><summary>Functions of ${escapeHtml(name)}</summary><div class="scroll"><table>
<thead><tr><th>function</th><th>place</th><th class="right">self</th><th class="right">total</th></tr></thead>
<tbody>${rows.join('')}</tbody></table></div></details>`
}

function renderWaits(waits: readonly ProfileWait[]): string {
  if (waits.length === 0) return '<p>No call out of the server was seen.</p>'
  const rows = waits
    .slice(0, MOST_ROWS)
    .map(
      (wait) =>
        `<tr><td><code>${escapeHtml(wait.what)}</code></td><td>${escapeHtml(wait.location ?? '–')}</td><td class="right">${formatRatio(wait.share)}</td><td class="right">${formatCount(wait.perRequest)}</td><td class="right">${formatDuration(wait.p50)}</td><td class="right">${formatDuration(wait.p99)}</td></tr>`,
    )
  return `<div class="scroll"><table class="waits">
<thead><tr><th>call out of the server</th><th>made in</th><th class="right">time of requests</th><th class="right">calls a request</th><th class="right">p50</th><th class="right">p99</th></tr></thead>
<tbody>${rows.join('')}</tbody></table></div>`
}
