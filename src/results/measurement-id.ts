const ids = new WeakMap<object, string>()

/** Remembers which measurement a result came from, beside the result and not in it: a result is plain data. */
export function tagMeasurement<Result extends object>(result: Result, id: string): Result {
  ids.set(result, id)
  return result
}

/** The measurement a result came from, where it came from one of this process. */
export function measurementId(result: object): string | undefined {
  return ids.get(result)
}
