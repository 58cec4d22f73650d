import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What a package depends on if it loads a compiled addon. */
const ADDON_LOADERS =
  /^(bindings|node-gyp-build|node-gyp-build-optional-packages|node-pre-gyp|@mapbox\/node-pre-gyp|prebuild-install|nan|node-addon-api|@napi-rs\/.*|pkg-prebuilds)$/
/** A package for one platform, which holds the addon itself. */
const PLATFORM_PACKAGE = /(^|[-/])(linux|darwin|win32|android|freebsd)-?(x64|arm64|ia32|arm)/
/** Code that looks for files beside itself: they would not be beside the bundle. */
const READS_OWN_FOLDER = /\b(__dirname|__filename)\b|import\.meta\.(url|dirname|filename|resolve)\b/

interface Manifest {
  readonly name?: string
  readonly type?: string
  readonly gypfile?: boolean
  readonly binary?: unknown
  readonly napi?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** ES module syntax, at the start of a line. */
const MODULE_SYNTAX = /^\s*(import\b\s*[\w*{"']|export\b\s*[\w*{])/m

const folders = new Map<string, boolean>()

/** Whether Node can load the module `file` of a package in `node_modules` by itself. */
export function isLoadedByNode(file: string): boolean {
  if (/\.(mjs|cjs|node|json)$/.test(file)) return true
  if (!file.endsWith('.js')) return false
  return typeOf(file) === 'module' || !MODULE_SYNTAX.test(readText(file))
}

const COMMON_JS_EXPORTS = /(^|[^.\w$])(module\.exports\b|exports[.[])/

/** Whether a module of the project, as it is written, is CommonJS. */
export function isCommonJs(file: string): boolean {
  if (/\.(cjs|cts)$/.test(file)) return !MODULE_SYNTAX.test(readText(file))
  const text = readText(file)
  return !MODULE_SYNTAX.test(text) && COMMON_JS_EXPORTS.test(text)
}

function typeOf(file: string): string | undefined {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = readManifest(folder)
    if (manifest) return manifest.type
  }
  return undefined
}

/** Whether the module `file` of a package in `node_modules` must be loaded from where it is. */
export function mustStayOutside(file: string): boolean {
  if (file.endsWith('.node')) return true
  const folder = packageFolder(file)
  if (folder === undefined) return false
  const known = folders.get(folder) ?? isNative(folder)
  folders.set(folder, known)
  return known || READS_OWN_FOLDER.test(readText(file))
}

function packageFolder(file: string): string | undefined {
  if (!file.includes('node_modules')) return undefined
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    // A `package.json` without a name only says what kind of modules a folder holds.
    if (readManifest(folder)?.name !== undefined) return folder
    if (folder.endsWith('node_modules')) return undefined
  }
  return undefined
}

function readManifest(folder: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  } catch {
    return undefined
  }
}

function isNative(folder: string): boolean {
  const manifest = readManifest(folder) ?? {}
  const { dependencies = {}, optionalDependencies = {} } = manifest
  return (
    manifest.gypfile === true ||
    manifest.binary !== undefined ||
    manifest.napi !== undefined ||
    existsSync(join(folder, 'binding.gyp')) ||
    Object.keys(dependencies).some((name) => ADDON_LOADERS.test(name)) ||
    Object.keys(optionalDependencies).some((name) => PLATFORM_PACKAGE.test(name))
  )
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
