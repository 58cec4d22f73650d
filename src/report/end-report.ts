import { formatDuration } from '../units.ts'
import { explainFailure } from './failure.ts'
import type { Paint } from './paint.ts'
import { fit, oneLine } from './screen-text.ts'
import { testName, verdictText, type RunSummary, type TestSummary } from './summary.ts'
import { testTables, type TestTable } from './test-tables.ts'
import { renderTable } from './text-table.ts'

const INDENT = '   '

/** What a person reads after the run: a table a test, the failed ones last, and one line that says whether all hold. */
export function renderEndReport(summary: RunSummary, width: number, paint: Paint): string[] {
  if (summary.tests.length === 0) return []
  const failed = summary.tests.filter((test) => test.state === 'failed')
  const others = summary.tests.filter((test) => test.state !== 'failed')
  return [
    '',
    heading(' Perf ', width, paint),
    ...[...others, ...failed].flatMap((test) => ['', ...renderTest(test, width, paint)]),
    '',
    ...verdictLines(summary.tests, width, paint),
    '',
  ]
}

function heading(text: string, width: number, paint: Paint): string {
  const line = '─'.repeat(Math.max(0, Math.min(width, 100) - text.length - 2))
  return paint.dim('──') + paint.bold(text) + paint.dim(line)
}

/** Whether everything holds, in a line; and if not, what does not and why. */
function verdictLines(tests: readonly TestSummary[], width: number, paint: Paint): string[] {
  const failed = tests.filter((test) => test.state === 'failed')
  const text = verdictText({ tests })
  if (failed.length === 0) {
    const all = tests.every((test) => test.state === 'passed')
    return [(all ? paint.green : paint.yellow)(fit(` ${all ? '✓' : '○'} ${text}`, width))]
  }
  const causes = failed.flatMap((test) => {
    const lines = wrap(`${oneLine(testName(test))}: ${explainFailure(test)?.cause ?? ''}`, width - 5)
    return lines.map((line, index) => paint.red(`${index === 0 ? '   • ' : '     '}${line}`))
  })
  return [paint.bold(paint.red(fit(` ✗ ${text}`, width))), ...causes]
}

/** All of one test. */
export function renderTest(test: TestSummary, width: number, paint: Paint): string[] {
  const inner = width - INDENT.length
  const blocks = [
    failureBlock(test, inner, paint),
    ...testTables(test).map((table) => tableBlock(table, inner, paint)),
    detailsBlock(test, inner, paint),
  ].filter((block) => block.length > 0)
  return [
    titleLine(test, width, paint),
    ...blocks.flatMap((block, index) =>
      (index === 0 ? block : ['', ...block]).map((line) => (line === '' ? '' : INDENT + line)),
    ),
  ]
}

function titleLine(test: TestSummary, width: number, paint: Paint): string {
  const symbol = {
    passed: paint.green('✓'),
    failed: paint.red('✗'),
    skipped: paint.dim('↓'),
    pending: paint.yellow('○'),
  }
  const time = `${test.expectedToFail ? 'fails, as expected  ' : ''}${formatDuration(test.duration)}`
  const project = test.project === '' ? '' : `|${oneLine(test.project)}| `
  const file = `${project}${oneLine(test.file)} > `
  const name = oneLine(testName(test))
  const room = width - 3 - time.length - 2
  const shownFile = file.length + 16 <= room ? file : ''
  return ` ${symbol[test.state]} ${paint.dim(shownFile)}${paint.bold(fit(name, room - shownFile.length))}  ${paint.dim(time)}`
}

function failureBlock(test: TestSummary, width: number, paint: Paint): string[] {
  const story = explainFailure(test)
  return story ? wrap(`failed first: ${story.cause}`, width).map(paint.red) : []
}

function tableBlock({ columns, rows, notes }: TestTable, width: number, paint: Paint): string[] {
  const below = notes.flatMap((note) => wrap(note, width)).map(paint.dim)
  return [...renderTable(columns, rows, width, paint), ...below]
}

function detailsBlock(test: TestSummary, width: number, paint: Paint): string[] {
  const story = explainFailure(test)
  if (!story) return []
  const lines = story.details.flatMap((line) => wrap(line, width))
  if (story.output.length === 0) return lines
  const output = story.output.map((line) => paint.dim(`│ `) + fit(line, width - 2))
  return [...lines, ...(lines.length > 0 ? [''] : []), paint.bold('last lines of the server'), ...output]
}

/** Wrapped at spaces to `width`; a word that is longer is cut. What is indented stays so. */
export function wrap(text: string, width: number): string[] {
  const indent = /^ */.exec(text)?.[0] ?? ''
  const lines: string[] = []
  let line = indent
  for (const word of text.trim().split(/ +/)) {
    const next = line.trim() === '' ? line + word : `${line} ${word}`
    if (fit(next, width) === next || line.trim() === '') line = next
    else {
      lines.push(fit(line, width))
      line = indent + word
    }
  }
  return [...lines, fit(line, width)]
}
