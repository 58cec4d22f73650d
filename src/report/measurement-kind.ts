import type { Paint } from './paint.ts'
import type { Cell, Column } from './table.ts'

/** What every entry of a measurement holds. It is plain JSON, and stands in the JSON report as it is. */
export interface MeasurementEntry {
  id: string
  /** 0 for the first attempt of a test, 1 for its first retry. */
  attempt: number
  title: string
}

/** One figure for Prometheus and for dashboards. */
export interface Figure {
  /** Snake case with the base unit as its last word, such as `latency_p99_seconds`. */
  name: string
  help: string
  value: number | null | undefined
  /** Labels besides those of the test and the measurement. */
  labels?: Record<string, string>
}

/**
 * How one kind of measurement becomes a part of every report. A new kind is a file with one of these and a line in
 * `MEASUREMENT_KINDS`; the summary, the terminal, the page, the job summary, JSON and Prometheus show it from then on.
 * All members are pure functions. Text may hold anything: the reports make it harmless.
 */
export interface MeasurementKind<Artifact extends { type: string }, Entry extends MeasurementEntry> {
  /** The key of its entries in `tests[].measurements` of the JSON report. */
  name: string
  /** The type of its artifact, such as `perf:compare`. */
  type: Artifact['type']
  /** The entry of an artifact; `test` is the test's name, for measurements without a title. */
  entry(artifact: Artifact, test: string): Entry
  /** Columns of its table, and a row for each entry. The first cell is the title of the entry. */
  columns: readonly Column[]
  row(entry: Entry): Cell[]
  /** Sentences below the table. */
  notes?(entry: Entry): string[]
  /** The sentence that says why the test failed, if this entry is why. `message` is that of the test's first error. */
  cause?(entry: Entry, message: string | undefined): string | undefined
  /** Why a figure of time of the load `measurement` is what it is, in a sentence, if this entry saw it. */
  reason?(entry: Entry, measurement: string | undefined): string | undefined
  /** Further sentences on a failure. */
  details?(entry: Entry): string[]
  /** HTML of a plot or the like, under the tables. Every text in it goes through `escapeHtml`. Styles: `page.css`. */
  page?(entry: Entry): string
  /** The script that this HTML needs; it is in the page only where there is an entry of this kind. */
  pageScript?(): string
  /** The line of its end, where the output is no terminal. */
  endLine?(entry: Entry, paint: Paint): string
  /** What dashboards get. */
  figures?(entry: Entry): Figure[]
}

/** A kind whose types are its own affair. */
export type AnyMeasurementKind = MeasurementKind<{ type: string }, MeasurementEntry>
