import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ComparisonError } from '../../errors.ts'
import type { ServerOptions } from '../../server/server-options.ts'
import { mapIntoTree, type GitBase } from './git-base.ts'

type Tree = Pick<GitBase, 'tree' | 'top' | 'commit'>

export interface MovedServer {
  readonly options: ServerOptions
  /** What the base has from the working tree all the same. */
  readonly notes: readonly string[]
}

/**
 * Returns the options of a server that runs in the tree of a commit: its folder, its module, and the paths in its command. Files
 * of variables are often not in git: one that the tree lacks is that of the working tree.
 *
 * @throws {ComparisonError} where its folder is outside the repository.
 */
export function moveIntoTree(options: ServerOptions, root: string, base: Tree): MovedServer {
  const own = resolve(root, options.cwd ?? '.')
  const cwd = mapIntoTree(base, own)
  if (cwd === undefined) {
    throw new ComparisonError(
      `\`cwd\` of the base, ${own}, is outside the repository ${base.top}, so ${base.commit.slice(0, 8)} has no such folder. Leave \`git\` out to compare with a server there.`,
    )
  }
  const moved: ServerOptions = { ...options, cwd }
  const notes: string[] = []
  const { command, module, envFile } = options
  if (command !== undefined) moved.command = commandInTree(command, base)
  if (module !== undefined) {
    const file = module.startsWith('file:') ? fileURLToPath(module) : resolve(own, module)
    moved.module = mapIntoTree(base, file) ?? file
  }
  if (envFile !== undefined) {
    moved.envFile = [envFile].flat().map((name) => {
      const [there, here] = [resolve(cwd, name), resolve(own, name)]
      if (existsSync(there) || !existsSync(here)) return name
      notes.push(`the commit of base has no ${name}: base has the variables of the working tree's`)
      return here
    })
  }
  return { options: moved, notes }
}

/** A command that names files of the working tree would run the code of head. Programs in `node_modules` stay where they are. */
function commandInTree(command: string, { top, tree }: Tree): string {
  const quoted = top.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const path = new RegExp(`(?<![\\w/.-])${quoted}(?=/|$|["'\\s])(?!(?:/[^\\s"'/]+)*/node_modules/)`, 'g')
  return command.replace(path, () => tree)
}
