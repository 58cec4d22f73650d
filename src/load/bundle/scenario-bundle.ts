/** A scenario module with all that it imports, as one text. */
export interface ScenarioBundle {
  /** Absolute path of the module. */
  readonly file: string
  /** The ES module, with its source map inline. */
  readonly code: string
  /** What the module exports. Whether it can be called shows when it runs. */
  readonly exports: readonly string[]
}
