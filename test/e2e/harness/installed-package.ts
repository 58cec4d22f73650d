import { cp, mkdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Major = 4 | 5

export const MAJORS: readonly Major[] = [4, 5]

export const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')

/** The folder whose `node_modules` holds this Vitest major; temporary projects are made below it. */
export function compatFolder(major: Major): string {
  return join(repository, 'test/compat', `vitest-${major}`)
}

export interface Tool {
  node: string
  vitest: string
}

/** The Node and the Vitest that a major is tested with: 4 on the Node that runs the tests, 5 on a Node that can run it. */
export function toolOf(major: Major): Tool {
  const require = createRequire(join(major === 5 ? compatFolder(5) : repository, 'package.json'))
  const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
  const node = major === 5 ? join(dirname(require.resolve('node/package.json')), 'bin/node') : process.execPath
  return { node, vitest }
}

/**
 * Puts the built package where a user's `npm install` would: a copy in `node_modules`, so that its own `import 'vitest'`
 * finds the Vitest of the project and not the one of this repository.
 */
export async function installBuiltPackage(): Promise<void> {
  const manifest = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as { files: string[] }
  for (const major of MAJORS) {
    const target = join(compatFolder(major), '.tmp/node_modules/vitest-plugin-perf')
    await rm(target, { recursive: true, force: true })
    await mkdir(target, { recursive: true })
    for (const entry of ['package.json', ...manifest.files]) {
      await cp(join(repository, entry), join(target, entry), { recursive: true })
    }
  }
}
