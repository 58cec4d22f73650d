/**
 * A text that two sets of options share if, and only if, they describe the same server. The order of names does not matter;
 * `undefined` does, since `env: { X: undefined }` removes a variable.
 */
export function keyOfOptions(options: unknown): string {
  if (options === undefined) return 'undefined'
  if (Object.prototype.toString.call(options) === '[object RegExp]') return String(options)
  if (Array.isArray(options)) return `[${options.map(keyOfOptions).join()}]`
  if (typeof options !== 'object' || options === null) return JSON.stringify(options) ?? typeof options
  const entries = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${keyOfOptions(value)}`).join()}}`
}
