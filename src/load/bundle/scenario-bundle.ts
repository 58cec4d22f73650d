/**
 * Where the packages of `node_modules` stay. `'outside'`: Node loads them from where they are, as in any program of the project. `'inside'`: in
 * the bundle, for a machine without them; packages with compiled addons stay outside all the same.
 */
export type BundledPackages = 'outside' | 'inside'

/** A scenario module with all that it imports, as one text. */
export interface ScenarioBundle {
  /** Absolute path of the module. */
  readonly file: string
  /** The ES module, with its source map inline. */
  readonly code: string
  /** What the module exports; `undefined` of a CommonJS module, which says so when it runs. Whether it can be called shows then, too. */
  readonly exports: readonly string[] | undefined
}
