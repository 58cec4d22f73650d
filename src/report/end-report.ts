import { formatDuration } from '../units.ts'
import { groupFailures } from './failure-groups.ts'
import { explainFailure } from './failure.ts'
import type { Paint } from './paint.ts'
import { fit, oneLine } from './screen-text.ts'
import { testName, type RunSummary, type TestSummary } from './summary.ts'
import type { TestTable } from './table.ts'
import { testTables } from './test-tables.ts'
import { renderTable } from './text-table.ts'
import { nothingAsserted, verdictOf } from './verdict.ts'

const INDENT = '   '

/** What a person reads after the run: a table a test, the failed ones last, and one line that says whether all hold. */
export function renderEndReport(summary: RunSummary, width: number, paint: Paint, version?: string): string[] {
  if (summary.tests.length === 0) return []
  const told = repeated(summary.tests)
  const failed = summary.tests.filter((test) => test.state === 'failed' && !told.has(test))
  const others = summary.tests.filter((test) => test.state !== 'failed')
  return [
    '',
    heading(version === undefined ? ' Perf ' : ` Perf ${version} `, width, paint),
    ...[...others, ...failed].flatMap((test) => withSpace(renderTest(test, width, paint))),
    '',
    ...verdictLines(summary, width, paint),
    '',
  ]
}

/** Tests that measured nothing and failed of the same cause as one before them: its lines are theirs. */
function repeated(tests: readonly TestSummary[]): Set<TestSummary> {
  const measured = ({ loads, memory, measurements }: TestSummary) =>
    loads.length + memory.length + Object.keys(measurements).length > 0
  return new Set(groupFailures(tests).flatMap((group) => group.tests.slice(1).filter((test) => !measured(test))))
}

function withSpace(lines: string[]): string[] {
  return lines.length > 0 ? ['', ...lines] : []
}

function heading(text: string, width: number, paint: Paint): string {
  const line = '─'.repeat(Math.max(0, Math.min(width, 100) - text.length - 2))
  return paint.dim('──') + paint.bold(text) + paint.dim(line)
}

const MARKS = { passed: '✓', failed: '✗', unsure: '○' }
/** So many names of tests that share a cause are listed; there may be hundreds. */
const NAMES_LISTED = 10

/** Whether everything holds, in a line; and if not, what does not and why. */
function verdictLines(summary: RunSummary, width: number, paint: Paint): string[] {
  const { state, text } = verdictOf(summary)
  const style = { passed: paint.green, failed: (line: string) => paint.bold(paint.red(line)), unsure: paint.yellow }
  const head = wrap(`${MARKS[state]} ${text}`, width - 1).map((line) => style[state](` ${line}`))
  const causes = groupFailures(summary.tests).flatMap(({ cause, tests }) => {
    const names = tests.map((test) => oneLine(testName(test)))
    const [first = ''] = names
    if (names.length === 1) return item(`${first}: ${cause}`, '   • ', width).map(paint.red)
    const listed = names.slice(0, NAMES_LISTED).flatMap((name) => item(name, '       ', width))
    const more = names.length > NAMES_LISTED ? item(`and ${names.length - NAMES_LISTED} more`, '       ', width) : []
    return [...item(`${names.length} tests: ${cause}`, '   • ', width).map(paint.red), ...listed, ...more]
  })
  return [...head, ...causes]
}

function item(text: string, lead: string, width: number): string[] {
  return wrap(text, width - lead.length).map((line, index) => (index === 0 ? lead : ' '.repeat(lead.length)) + line)
}

/** All of one test. */
export function renderTest(test: TestSummary, width: number, paint: Paint): string[] {
  const inner = width - INDENT.length
  // That a server never started is all that its table would say, and the cause says it.
  const startFailed =
    test.servers.length > 0 && test.servers.every(({ state, crashes }) => state === 'failed' && !crashes)
  const unasserted = nothingAsserted(test)
  const blocks = [
    unasserted ? wrap(unasserted, inner).map(paint.yellow) : [],
    ...testTables(test)
      .filter(({ kind }) => !(kind === 'server' && startFailed))
      .map((table) => tableBlock(table, inner, paint)),
    detailsBlock(test, inner, paint),
  ].filter((block) => block.length > 0)
  // A test that failed before it measured anything has its cause among the causes, and nothing here.
  if (blocks.length === 0 && test.state === 'failed') return []
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
