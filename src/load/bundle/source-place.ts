import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'

const SCRIPT = /\.[cm]?[jt]sx?$/
const PLACE = /\bimport\.meta\.(url|filename|dirname)\b/g

/** Names of the constants that stand for the place of a module. */
const NAME = { url: '__scenario_url', filename: '__scenario_filename', dirname: '__scenario_dirname' } as const

/**
 * A Vite plugin: `import.meta.url`, `.filename` and `.dirname` of a module are those of its source, so that it finds the files beside it.
 * The bundle itself is run from a temporary folder. Lines stay where they are.
 */
export function keepSourcePlaces() {
  return {
    name: 'vitest-plugin-perf:source-places',
    enforce: 'pre' as const,
    transform(code: string, id: string): { code: string; map: null } | null {
      const [file = '', query = ''] = id.split('?', 2)
      const isOnDisk = file.startsWith('/') || /^[A-Za-z]:/.test(file)
      // A module that is imported as text or as a URL is no script.
      if (!isOnDisk || !SCRIPT.test(file) || /(^|&)(raw|url)\b/.test(query)) return null
      const used = new Set<keyof typeof NAME>()
      const placed = code.replace(PLACE, (_, part: keyof typeof NAME) => {
        used.add(part)
        return NAME[part]
      })
      if (used.size === 0) return null
      const place = { url: pathToFileURL(file).href, filename: file, dirname: dirname(file) }
      const constants = [...used].map((part) => `const ${NAME[part]} = ${JSON.stringify(place[part])};`)
      // Behind a `#!` line and in front of everything else: a constant has no value above its line.
      const [, first = '', rest = ''] = /^(#!.*\n)?([^]*)$/.exec(placed) ?? []
      return { code: `${first}${constants.join(' ')} ${rest}`, map: null }
    },
  }
}
