import { groupFailures } from './failure-groups.ts'
import { explainFailure } from './failure.ts'
import { oneLine } from './screen-text.ts'
import { testName, type RunSummary, type TestSummary } from './summary.ts'
import type { Cell, TestTable } from './table.ts'
import { testTables } from './test-tables.ts'
import { nothingAsserted, verdictOf } from './verdict.ts'

/** The job summary of a GitHub Actions run, in Markdown: the verdict, why, and a table a test. */
export function renderJobSummary(summary: RunSummary, version?: string): string {
  const { tests } = summary
  if (tests.length === 0) return ''
  const failed = tests.filter((test) => test.state === 'failed')
  const verdict = verdictOf(summary)
  const headline = `${{ passed: '✅', failed: '❌', unsure: '⚪' }[verdict.state]} ${verdict.text}`
  const causes = groupFailures(failed).map(({ cause, tests: sharing }) => {
    const names = sharing.map((test) => `**${text(testName(test))}**`)
    return names.length === 1
      ? `- ${names[0]}: ${text(cause)}`
      : [`- ${names.length} tests: ${text(cause)}`, ...names.map((name) => `  - ${name}`)].join('\n')
  })
  return [
    `## ${headline}`,
    ...(causes.length > 0 ? [causes.join('\n')] : []),
    ...[...failed, ...tests.filter((test) => test.state !== 'failed')].map(renderTest),
    ...(version === undefined ? [] : [`<sub>vitest-plugin-perf ${version}</sub>`]),
    '',
  ].join('\n\n')
}

const SYMBOLS = { passed: '✅', failed: '❌', skipped: '⏭️', pending: '⏳' }

function renderTest(test: TestSummary): string {
  const story = explainFailure(test)
  const output = story && story.output.length > 0 ? [codeBlock(story.output)] : []
  const details = story && story.details.length > 0 ? [story.details.map(detail).join('\n')] : []
  return [
    `<details${test.state === 'failed' ? ' open' : ''}><summary>${SYMBOLS[test.state]} <b>${text(testName(test))}</b> (${text(test.file)})</summary>`,
    ...[nothingAsserted(test)].flatMap((remark) => (remark ? [`⚠️ ${text(remark)}`] : [])),
    ...testTables(test).map(renderMarkdownTable),
    ...details,
    ...output,
    '</details>',
  ].join('\n\n')
}

function detail(line: string): string {
  return `${line.startsWith(' ') ? '  ' : ''}- ${text(line.trim())}`
}

function renderMarkdownTable({ columns, rows, notes }: TestTable): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(cellText))),
    ...notes.map((note) => `\n${text(note)}`),
  ].join('\n')
}

function cellText({ text: content, tone }: Cell): string {
  const safe = text(content)
  return (tone === 'strong' || tone === 'bad') && safe !== '' ? `**${safe}**` : safe
}

/** Text that Markdown and HTML leave alone, on one line. */
function text(content: string): string {
  return oneLine(content)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]#|~@]|:(?=\/\/)/g, (character) => `&#${character.charCodeAt(0)};`)
}

function codeBlock(lines: readonly string[]): string {
  const longest = Math.max(2, ...lines.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `Last lines of the server:\n\n${fence}text\n${lines.join('\n')}\n${fence}`
}
