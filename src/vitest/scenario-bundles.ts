import { inject } from 'vitest'
import { bundleWith } from '../load/spec/scenario-source.ts'
import type { ScenarioBundle } from '../load/bundle/scenario-bundle.ts'
import { bundleIdOf, type BundleModule } from '../load/bundle/bundle-module.ts'

let asked = 0

/**
 * Has scenarios bundled in Vitest's main process, where the project's config and plugins are. `load` imports a module through Vite; the plugin
 * answers with the bundle.
 */
export function bundleThrough(load: (id: string) => Promise<unknown>): void {
  bundleWith({
    root: () => inject('perfRoot'),
    async bundle(file, packages): Promise<ScenarioBundle> {
      asked += 1
      // Asked anew each time, since the sources may have changed in between; the text itself is one module per content.
      const request = { file, packages, define: JSON.stringify(inject('perfDefine')), ask: `${process.pid}-${asked}` }
      const about = ((await load(bundleIdOf(request))) as BundleModule).default
      if ('error' in about) throw new Error(about.error)
      const { hash, exports } = about
      const text = ((await load(bundleIdOf({ file, hash }))) as { default: string }).default
      return { file, exports, code: Buffer.from(text, 'base64').toString('utf8') }
    },
  })
}
