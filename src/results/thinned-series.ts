/** A series of at most `limit` rows. When it is full, it merges neighbours in pairs, so that its rows stay equally long. */
export class ThinnedSeries<Row> {
  readonly #limit: number
  readonly #merge: (earlier: Row, later: Row) => Row
  #rows: Row[] = []
  #pending: { row: Row; count: number } | undefined
  #stride = 1

  constructor(limit: number, merge: (earlier: Row, later: Row) => Row) {
    this.#limit = limit
    this.#merge = merge
  }

  add(row: Row): void {
    const pending = this.#pending
    this.#pending = pending ? { row: this.#merge(pending.row, row), count: pending.count + 1 } : { row, count: 1 }
    if (this.#pending.count < this.#stride) return
    this.#rows.push(this.#pending.row)
    this.#pending = undefined
    if (this.#rows.length < this.#limit) return
    this.#rows = pairs(this.#rows, this.#merge)
    this.#stride *= 2
  }

  rows(): Row[] {
    return this.#pending ? [...this.#rows, this.#pending.row] : [...this.#rows]
  }
}

function pairs<Row>(rows: readonly Row[], merge: (earlier: Row, later: Row) => Row): Row[] {
  const merged: Row[] = []
  for (let at = 0; at < rows.length; at += 2) {
    const [earlier, later] = rows.slice(at, at + 2) as [Row, Row?]
    merged.push(later === undefined ? earlier : merge(earlier, later))
  }
  return merged
}
