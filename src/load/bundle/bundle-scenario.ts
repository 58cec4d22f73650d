import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isCommonJs, isLoadedByNode, mustStayOutside } from './packages.ts'
import type { BundledPackages, ScenarioBundle } from './scenario-bundle.ts'
import { keepSourcePlaces } from './source-place.ts'

/** Which project a scenario is bundled for. */
export interface ScenarioProject {
  /** Vitest's root. */
  readonly root: string
  /** `false`: the project has no config file of its own. Absent: Vite looks for one in `root`. */
  readonly configFile?: string | false | undefined
  readonly mode?: string | undefined
  /** Resolved aliases: Vitest has some of its own. */
  readonly alias?: unknown
  /** What the project replaces in its sources; wins over that of the config file, which it may extend. */
  readonly define?: Readonly<Record<string, string>> | undefined
  /** The user's plugins that the project has; those that the config file brings are made anew. */
  readonly plugins?: readonly NamedPlugin[]
  /** Default `'outside'`. */
  readonly packages?: BundledPackages
}

export interface NamedPlugin {
  readonly name: string
}

/** What we use of Vite, which is the same in 6, 7 and 8. */
export interface Vite {
  /** Only from Vite 8 on. */
  readonly rolldownVersion?: string
  build(config: object): Promise<BuildOutput | BuildOutput[]>
  loadConfigFromFile(
    env: { command: 'build'; mode: string },
    file: string | undefined,
    root: string,
  ): Promise<{ config: { plugins?: unknown } } | null>
  mergeConfig(base: object, over: object): object
}
interface BuildOutput {
  readonly output: readonly OutputPart[]
}
interface OutputPart {
  readonly type: string
  readonly isEntry?: boolean
  readonly code?: string
  readonly exports?: readonly string[]
}
interface ResolvingContext {
  resolve(id: string, importer: string | undefined, options: object): Promise<{ id: string; external?: unknown } | null>
}

interface Kept {
  readonly bundle: ScenarioBundle
  /** Every module of the project in it, with a hash of its text. */
  readonly sources: ReadonlyMap<string, string>
}

const kept = new Map<string, Kept>()
const underWay = new Map<string, Promise<ScenarioBundle>>()

/**
 * Bundles a scenario module with the project's own Vite: TypeScript, aliases, JSON and workspace packages. A module is bundled once as long as
 * none of its sources changes.
 *
 * @throws what Vite throws, of which the message names file and line.
 */
export function bundleScenario(
  file: string,
  project: ScenarioProject,
  importVite: (root: string) => Promise<Vite> = viteOf,
): Promise<ScenarioBundle> {
  const plugins = project.plugins?.map(({ name }) => name)
  const { root, configFile, mode, define, packages } = project
  const key = JSON.stringify([file, root, configFile, mode, define, packages, plugins])
  const known = kept.get(key)
  if (known && isFresh(known)) return Promise.resolve(known.bundle)
  const begun = underWay.get(key)
  if (begun) return begun
  const bundling = importVite(project.root)
    .then((vite) => build(file, project, vite))
    .then((made) => {
      kept.set(key, made)
      return made.bundle
    })
    .finally(() => underWay.delete(key))
  underWay.set(key, bundling)
  return bundling
}

function isFresh({ sources }: Kept): boolean {
  for (const [file, hash] of sources) if (hashOf(file) !== hash) return false
  return true
}

function hashOf(file: string): string {
  return existsSync(file) ? createHash('sha1').update(readFileSync(file)).digest('hex') : ''
}

async function build(file: string, project: ScenarioProject, vite: Vite): Promise<Kept> {
  const { root, configFile, mode = 'test', plugins = [] } = project
  const env = { command: 'build', mode } as const
  const written = configFile === false ? null : await vite.loadConfigFromFile(env, configFile, root)
  const own = pluginsBeside(await namesOf(written?.config.plugins), plugins)
  const modules = new Set<string>()
  const config = vite.mergeConfig(written?.config ?? {}, {
    root,
    mode,
    configFile: false,
    logLevel: 'silent',
    clearScreen: false,
    ...(project.define === undefined ? {} : { define: project.define }),
    ...(project.alias === undefined ? {} : { resolve: { alias: project.alias } }),
    plugins: [
      keepSourcePlaces(),
      ...own,
      bundlingPlugin(file, project, vite.rolldownVersion !== undefined),
      listModules(modules),
    ],
  })
  const built = await vite.build(config)
  const parts = [built].flat().flatMap(({ output }) => output)
  const entry = parts.find((part) => part.type === 'chunk' && part.isEntry)
  if (entry?.code === undefined) throw new Error(`Vite made no module of ${file}`)
  const sources = [...modules].filter((id) => !id.includes('node_modules') && existsSync(id))
  return {
    bundle: { file, code: entry.code, exports: exportsOf(file, entry.exports) },
    sources: new Map([file, ...sources].map((source) => [source, hashOf(source)])),
  }
}

/** A CommonJS module exports all that it does as the default of its bundle. */
function exportsOf(file: string, names: readonly string[] = []): readonly string[] | undefined {
  return names.length === 1 && names[0] === 'default' && isCommonJs(file) ? undefined : names
}

/** Names of plugins as a config lists them: nested, promised, or left out. */
async function namesOf(plugins: unknown): Promise<string[]> {
  const plugin: unknown = await plugins
  if (Array.isArray(plugin)) return (await Promise.all(plugin.map(namesOf))).flat()
  return plugin ? [(plugin as NamedPlugin).name] : []
}

/** The plugins of a project without those that its config file brings: a project that extends a config adds its own behind them. */
function pluginsBeside(written: readonly string[], all: readonly NamedPlugin[]): NamedPlugin[] {
  const left = new Map<string, number>()
  for (const name of written) left.set(name, (left.get(name) ?? 0) + 1)
  return all.filter(({ name }) => {
    const count = left.get(name) ?? 0
    left.set(name, count - 1)
    return count <= 0
  })
}

/** Vite as the project's Vitest has it; of a project without Vitest, its own. */
async function viteOf(root: string): Promise<Vite> {
  const project = createRequire(join(root, 'package.json'))
  const from = [project, createRequire(import.meta.url)].flatMap((require) => {
    try {
      return [createRequire(realpathSync(require.resolve('vitest/package.json')))]
    } catch {
      return [require]
    }
  })
  for (const require of from) {
    try {
      const manifest = require.resolve('vite/package.json')
      const { exports } = require(manifest) as { exports: { '.': string | { import?: string; default?: string } } }
      const main = exports['.']
      const path = typeof main === 'string' ? main : (main.import ?? main.default ?? '')
      const entry = typeof path === 'string' ? path : (path as { default: string }).default
      return (await import(pathToFileURL(join(dirname(manifest), entry)).href)) as Vite
    } catch (error) {
      if ((error as { code?: string }).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  throw new Error(`Vite was not found from ${root}: scenarios are bundled with it`)
}

/**
 * Replaces what the project's config says of builds: it speaks of the project's own output, not of a module for the load process. Last, so
 * that nothing changes it again.
 */
function bundlingPlugin(file: string, { root, packages }: ScenarioProject, rolldown: boolean) {
  return {
    name: 'vitest-plugin-perf:scenario',
    enforce: 'post' as const,
    config: {
      order: 'post' as const,
      handler(config: Record<string, unknown>) {
        config['build'] = buildOptions(file, root, rolldown)
        config['ssr'] = { target: 'node', noExternal: true }
        config['publicDir'] = false
        delete config['environments']
        delete config['builder']
      },
    },
    resolveId: {
      order: 'pre' as const,
      async handler(
        this: ResolvingContext,
        id: string,
        importer: string | undefined,
        { kind }: { kind?: string } = {},
      ) {
        if (importer === undefined || id.startsWith('\0') || id.startsWith('node:')) return null
        if (/^(file:|data:|https?:)/.test(id)) return { id, external: true }
        const resolved = await this.resolve(id, importer, { skipSelf: true })
        if (!resolved || resolved.external || !resolved.id.includes('node_modules')) return resolved
        const path = resolved.id.replace(/^\0|\?.*$/g, '')
        if (!(packages === 'inside' ? mustStayOutside(path) : isLoadedByNode(path))) return resolved
        return { id: kind === 'require-call' ? path : pathToFileURL(path).href, external: true }
      },
    },
  }
}

/** Adds every module that was read: that of a constant which Vite 8 has put in its place is in no chunk. */
function listModules(modules: Set<string>) {
  return {
    name: 'vitest-plugin-perf:modules',
    buildEnd(this: { getModuleIds(): Iterable<string> }) {
      for (const id of this.getModuleIds()) modules.add(id.replace(/\?.*$/, ''))
    },
  }
}

function buildOptions(file: string, root: string, rolldown: boolean) {
  const output = {
    format: 'es',
    ...(rolldown ? { codeSplitting: false } : { inlineDynamicImports: true }),
    entryFileNames: `${basename(file)}.mjs`,
    // The bundle is run from elsewhere: stacks must name the sources all the same.
    sourcemapPathTransform: (path: string, map: string) => resolve(dirname(map), path),
  }
  const options = { output, onwarn() {} }
  return {
    ssr: file,
    outDir: join(root, 'dist'),
    write: false,
    emptyOutDir: false,
    copyPublicDir: false,
    target: 'node20',
    minify: false,
    sourcemap: 'inline',
    reportCompressedSize: false,
    modulePreload: false,
    watch: null,
    // Vite 6 and 7 take only packages for CommonJS.
    ...(rolldown ? {} : { commonjsOptions: { include: [/node_modules/, /\.c?js$/], extensions: ['.js', '.cjs'] } }),
    ...(rolldown ? { rolldownOptions: options } : { rollupOptions: options }),
  }
}
