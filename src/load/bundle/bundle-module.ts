import type { BundledPackages } from './scenario-bundle.ts'

/** Modules by which a worker gets a bundle from Vitest's main process: any pool and both majors can import. */
const PREFIX = 'virtual:vitest-plugin-perf/scenario?'

/** What is asked for: whether the bundle of `file` has changed (`ask` makes each question a new one), or its text by `hash`. */
export interface BundleRequest {
  readonly file: string
  readonly ask?: string
  readonly hash?: string
  readonly packages?: BundledPackages
  /** In JSON: what the project replaces. */
  readonly define?: string
}

/** The answer to a question. The default export of the other kind of module is the text, in base64: nothing may transform it. */
export interface BundleModule {
  readonly default:
    | { readonly hash: string; readonly exports?: readonly string[] | undefined }
    | { readonly error: string }
}

export function bundleIdOf(request: BundleRequest): string {
  return `${PREFIX}${new URLSearchParams({ ...request }).toString()}`
}

/** `undefined` for an id of something else. */
export function readBundleId(id: string): BundleRequest | undefined {
  const at = id.indexOf(PREFIX)
  if (at === -1) return undefined
  const { file = '', ...rest } = Object.fromEntries(new URLSearchParams(id.slice(at + PREFIX.length)))
  return { file, ...rest }
}
