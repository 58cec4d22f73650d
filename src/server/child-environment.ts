/** What Vitest puts into `process.env` for `import.meta.env`: name, and the values that are its own. */
const VITE_META: Record<string, readonly string[]> = {
  MODE: ['test', 'benchmark'],
  DEV: ['', '1', 'true'],
  PROD: ['', '1', 'false'],
  SSR: ['', '1', 'true'],
  BASE_URL: ['/'],
}

const OURS = /^(__)?VITEST(_|$)|^TINYPOOL_|^VITE_USER_NODE_ENV$/

/** Options of Node that are meant for Vitest and not for a server: package conditions, and the inspector's port. */
function cleanNodeOptions(options: string): string {
  return options
    .replace(/(^|\s)(--conditions|-C)(=|\s+)\S+/g, '$1')
    .replace(/(^|\s)--inspect(-brk|-wait|-port|-publish-uid)?(=\S+)?(?=\s|$)/g, '$1')
    .replace(/\s+/g, ' ')
    .trim()
}

/**
 * The environment as the user's shell had it: without what Vitest added, and with `NODE_ENV=production`, so that the
 * server under test is not a development build. A `NODE_ENV` other than Vitest's `test` is the user's own and stays.
 */
export function cleanEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const clean: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || OURS.test(name)) continue
    if (name === 'TEST' && value === 'true') continue
    if (VITE_META[name]?.includes(value)) continue
    clean[name] = value
  }
  if (clean.NODE_ENV === undefined || clean.NODE_ENV === 'test') clean.NODE_ENV = 'production'
  if (clean.NODE_OPTIONS !== undefined) {
    clean.NODE_OPTIONS = cleanNodeOptions(clean.NODE_OPTIONS)
    if (clean.NODE_OPTIONS === '') delete clean.NODE_OPTIONS
  }
  return clean
}

/** Where the variables of a server come from, weakest first. */
export interface EnvironmentSources {
  readonly inherited: NodeJS.ProcessEnv
  /** Of the user's `envFile`. */
  readonly files?: Readonly<Record<string, string>>
  /** `PORT`, `HOST` and what we need: a file that is written for another occasion must not move the server away. */
  readonly added: Readonly<Record<string, string>>
  /** The user's `env`; `undefined` removes. */
  readonly own: Readonly<Record<string, string | undefined>>
}

/** The environment of a server. */
export function serverEnvironment({ inherited, files, added, own }: EnvironmentSources): Record<string, string> {
  const result = { ...cleanEnvironment(inherited), ...files, ...added }
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined) delete result[name]
    else result[name] = value
  }
  return result
}

/** `NODE_OPTIONS` with more at its end. */
export function appendNodeOptions(options: string | undefined, more: string): string {
  return [options, more].filter(Boolean).join(' ')
}
