import { fileURLToPath, URL } from 'node:url'

/** The folder of this package, as ES modules and as CommonJS scripts are named: what it does is not the server's. */
const OWN = new URL('..', import.meta.url)
const OWN_PREFIXES = OWN.protocol === 'file:' ? [OWN.href, fileURLToPath(OWN)] : [OWN.href]
const NOT_USER = ['node:', 'wasm:', 'evalmachine', ...OWN_PREFIXES]

/** Whether a script is neither Node's nor ours: the project's own, or a dependency. */
export function isUserCode(url: string): boolean {
  return url !== '' && !NOT_USER.some((prefix) => url.startsWith(prefix))
}

export function isDependency(url: string): boolean {
  return url.includes('/node_modules/') || url.includes('\\node_modules\\')
}

/** Whether a script is the project's own. */
export function isProjectCode(url: string): boolean {
  return isUserCode(url) && !isDependency(url)
}
