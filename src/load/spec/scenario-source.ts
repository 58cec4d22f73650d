import { existsSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { LoadError } from '../../errors.ts'
import { optionIssue, rejectIssues } from '../../option-issues.ts'
import type { BundledPackages, ScenarioBundle } from '../bundle/scenario-bundle.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import { planMix } from '../plan/scenario-options.ts'

/** Who bundles scenarios: Vitest's main process, which has the project's config, or this one. */
export interface ScenarioBundler {
  /** Where paths of scenarios start. */
  root(): string
  /** `packages: 'inside'` for load processes on other machines. */
  bundle(file: string, packages: BundledPackages): Promise<ScenarioBundle>
}

let bundler: ScenarioBundler = {
  root: () => process.cwd(),
  async bundle(file, packages) {
    const { bundleScenario } = await import('../bundle/bundle-scenario.ts')
    return bundleScenario(file, { root: process.cwd(), packages })
  },
}

/** Bundles scenarios elsewhere from now on. */
export function bundleWith(other: ScenarioBundler): void {
  bundler = other
}

/**
 * A plan with the module of its scenario.
 *
 * @throws {PerfOptionsError} for a module that does not exist, or a `mix` of what it does not export.
 * @throws {LoadError} for one that cannot be bundled.
 */
export async function withScenario(
  plan: LoadPlan,
  scenario: string | URL,
  packages: BundledPackages = 'outside',
): Promise<LoadPlan> {
  if (!plan.scenario) return plan
  const root = bundler.root()
  const text = String(scenario)
  const file = text.startsWith('file:') ? fileURLToPath(text) : resolve(root, text)
  if (!existsSync(file) || !statSync(file).isFile()) {
    const expected = `the path of a module, from Vitest's root (${root}), or a file URL; there is no file ${file}`
    rejectIssues('load options', [optionIssue('scenario', expected, text)])
  }
  const inRoot = relative(root, file)
  const name = inRoot.startsWith('..') ? file : inRoot
  const { code, exports } = await bundle(file, name, packages)
  const given = plan.scenario.mix.length === 0 ? undefined : Object.fromEntries(plan.scenario.mix)
  const mix = planMix(given, { name, exports })
  return { ...plan, scenario: { ...plan.scenario, name, file, root, code, mix } }
}

async function bundle(file: string, name: string, packages: BundledPackages): Promise<ScenarioBundle> {
  try {
    return await bundler.bundle(file, packages)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new LoadError(`${name} could not be bundled: ${message}`, { cause: error })
  }
}
