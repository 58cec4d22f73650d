/** A value as it stands after it went through JSON: a figure without data (`NaN` in a live run) is `null`. */
export type Recorded<T> = T extends number
  ? number | null
  : T extends string | boolean | null | undefined
    ? T
    : { [Key in keyof T]: Recorded<T[Key]> }

/** The same for a result that came live, through a blob or out of a file: plain, `NaN` and infinities as `null`. */
export function recorded<T>(value: T): Recorded<T> {
  return JSON.parse(JSON.stringify(value)) as Recorded<T>
}
