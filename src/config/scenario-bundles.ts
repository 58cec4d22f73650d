import { createHash } from 'node:crypto'
import { readBundleId } from '../load/bundle/bundle-module.ts'
import { bundleScenario, type ScenarioProject } from '../load/bundle/bundle-scenario.ts'

/** Bundles that workers have been told of, by hash. */
const texts = new Map<string, string>()
/** More would be of earlier contents, in watch mode. */
const MOST_KEPT = 20

/** The source of a module that a worker asks for a bundle with; `undefined` for other modules. */
export async function loadBundleModule(id: string, project: ScenarioProject): Promise<string | undefined> {
  const request = readBundleId(id)
  if (!request) return undefined
  const { file, hash, packages = 'outside', define = '{}' } = request
  if (hash !== undefined)
    return `export default ${JSON.stringify(Buffer.from(texts.get(hash) ?? '').toString('base64'))}`
  try {
    const { code, exports } = await bundleScenario(file, { ...project, packages, define: JSON.parse(define) })
    const hash = createHash('sha1').update(code).digest('hex')
    texts.delete(hash)
    texts.set(hash, code)
    for (const old of [...texts.keys()].slice(0, -MOST_KEPT)) texts.delete(old)
    return `export default ${JSON.stringify({ hash, exports })}`
  } catch (error) {
    return `export default ${JSON.stringify({ error: error instanceof Error ? error.message : String(error) })}`
  }
}

/** What we read of a resolved config of Vite, which is the same in 6, 7 and 8. */
interface ResolvedConfig {
  readonly root: string
  readonly mode: string
  readonly configFile?: string | false | undefined
  readonly resolve: { readonly alias: unknown }
  readonly plugins: readonly { readonly name: string }[]
}

/** Plugins that are not the user's. */
const NOT_THE_USERS = /^(vite:|vitest|builtin:|native:|rolldown:|alias$|commonjs$)/

/**
 * The project whose scenarios are bundled. A config file is loaded anew for that, so that its plugins are instances of their own; plugins of a
 * project that stands in another's config are shared with it.
 */
export function scenarioProject({ root, mode, configFile, resolve, plugins }: ResolvedConfig): ScenarioProject {
  return {
    root,
    mode,
    configFile: configFile ?? false,
    alias: resolve.alias,
    plugins: plugins.filter(({ name }) => !NOT_THE_USERS.test(name)),
  }
}
