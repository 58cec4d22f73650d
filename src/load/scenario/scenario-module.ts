import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import type { PlannedScenario } from '../plan/scenario-plan.ts'
import type { MixPart } from './chance.ts'
import type { VirtualUser } from '../plan/virtual-user.ts'

export type ScenarioFunction = (user: VirtualUser<never>) => unknown

/** A scenario as it runs: fresh for each load, so that nothing of the module's state is left from the one before. */
export interface ScenarioModule {
  readonly start: ScenarioFunction | undefined
  readonly stop: ScenarioFunction | undefined
  /** The functions of its mix, and their weights. */
  readonly functions: ReadonlyMap<string, ScenarioFunction>
  readonly mix: readonly MixPart[]
  /** The path that stacks name the bundle by, where they do not name a source. */
  readonly url: string
}

/**
 * Loads a bundle.
 *
 * @throws what the module throws while it is loaded, and where something of its mix cannot be called.
 */
export async function loadScenario({ file, name, code, mix }: PlannedScenario): Promise<ScenarioModule> {
  process.setSourceMapsEnabled(true)
  const folder = await mkdtemp(join(tmpdir(), 'vitest-plugin-perf-'))
  const path = join(folder, `${basename(file)}.mjs`)
  const { href } = pathToFileURL(path)
  let exports: Record<string, unknown>
  try {
    await writeFile(path, code)
    exports = exportsOf((await import(href)) as Record<string, unknown>)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const callable = Object.keys(exports).filter((key) => typeof exports[key] === 'function')
  const functions = new Map<string, ScenarioFunction>()
  for (const [key] of mix) functions.set(key, functionOf(exports, key, name, callable))
  return {
    start: exports['start'] === undefined ? undefined : functionOf(exports, 'start', name, callable),
    stop: exports['stop'] === undefined ? undefined : functionOf(exports, 'stop', name, callable),
    functions,
    mix,
    url: href,
  }
}

/** The bundle of a CommonJS module exports all that this does as its default. */
function exportsOf(namespace: Record<string, unknown>): Record<string, unknown> {
  const { default: only } = namespace
  const isAlone = Object.keys(namespace).length === 1 && typeof only === 'object' && only !== null
  return isAlone ? (only as Record<string, unknown>) : namespace
}

function functionOf(exports: Record<string, unknown>, key: string, name: string, callable: string[]): ScenarioFunction {
  const value = exports[key]
  if (typeof value === 'function') return value as ScenarioFunction
  const known = callable.length === 0 ? 'it exports no function at all' : `its functions are ${callable.join(', ')}`
  throw new TypeError(`\`${key}\` of ${name} is no function (${typeof value}): ${known}`)
}
