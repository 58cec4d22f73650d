import { copyFileSync, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { ComparisonError } from '../../errors.ts'
import { abortReason, raceSignal } from '../../lifecycle/abort.ts'
import { clearInterval, readClock, readWallClock, setInterval } from '../../lifecycle/real-timers.ts'
import { cleanEnvironment } from '../../server/child-environment.ts'
import { ServerProcess } from '../../server/server-process.ts'
import { formatDuration } from '../../units.ts'
import {
  cacheFolder,
  isReady,
  makeFolder,
  markReady,
  placeOf,
  pruneCache,
  removeTree,
  useTree,
  type CachedTree,
} from './base-cache.ts'
import { lockFolder } from './folder-lock.ts'
import { findCommit, findRepository, git, type Repository } from './git.ts'

/** What a base from git is made of. */
export interface GitBaseRequest {
  /** Vitest's root. */
  readonly root: string
  /** A branch, a tag, a hash, or `merge-base:<ref>`. */
  readonly ref: string
  /** A shell command line that makes the tree ready to run; once for each commit. */
  readonly prepare: string | undefined
  readonly signal: AbortSignal
  /** What is being done, and for how many milliseconds. */
  readonly onProgress: (step: string, elapsed: number) => void
}

/** A commit's tree, ready to run. */
export interface GitBase {
  readonly commit: string
  /** The folder in the tree that Vitest's root is in the working tree. */
  readonly folder: string
  /** Its top, and the top of the working tree. */
  readonly tree: string
  readonly top: string
  /** What it lacks. */
  readonly notes: readonly string[]
  /** Its use is over; the tree is kept for the next run. Idempotent. */
  release(): void
}

const PROGRESS = 1_000
const PREPARE_SHUTDOWN = { signal: 'SIGTERM', timeout: 1_000 } as const
const MOST_OUTPUT_LINES = 40

/**
 * Makes the tree of a commit, beside the working tree and without a trace in its repository: not a worktree that git knows of,
 * which a killed run would leave behind, but a repository of its own that borrows the objects.
 *
 * @throws {ComparisonError} without git, outside a repository, for an unknown ref, and where `prepare` fails.
 */
export async function makeGitBase(request: GitBaseRequest): Promise<GitBase> {
  const { root, ref, prepare, signal, onProgress } = request
  const repository = await findRepository(root, signal)
  if (!repository) {
    throw new ComparisonError(
      `${root} is in no git repository, so \`base: { git: ${JSON.stringify(ref)} }\` cannot be made. Give \`base\` a folder (\`cwd\`) in place of \`git\`.`,
    )
  }
  const commit = await findCommit(repository, ref, signal)
  makeFolder(cacheFolder(root))
  const place = placeOf(root, commit, prepare)
  const lock = await lockFolder(place.lock, signal, (pid) =>
    onProgress(`waits for another worker (pid ${pid ?? 'unknown'}) to prepare ${commit.slice(0, 8)}`, 0),
  )
  try {
    const folder = folderInTree(repository, place, root)
    if (!isReady(place)) await fillTree(repository, place, { ...request, commit, folder })
    const release = useTree(place)
    pruneCache(root)
    const lacks = existsSync(join(place.tree, '.gitmodules'))
      ? ['the base has no submodules: they are not checked out']
      : []
    return { commit, folder, tree: place.tree, top: repository.top, notes: lacks, release }
  } finally {
    lock.release()
  }
}

/** The same folder of the tree, in a monorepo. */
function folderInTree({ top }: Repository, { tree }: CachedTree, root: string): string {
  return mapIntoTree({ top, tree }, root) ?? tree
}

/** The path in the tree that a path of the working tree has; `undefined` for one outside. */
export function mapIntoTree({ top, tree }: { top: string; tree: string }, path: string): string | undefined {
  const real = existsSync(path) ? realpathSync(path) : path
  const inside = relative(realpathSync(top), real)
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? undefined : join(tree, inside)
}

async function fillTree(
  repository: Repository,
  place: CachedTree,
  request: GitBaseRequest & { commit: string; folder: string },
): Promise<void> {
  const { commit, folder, prepare, ref, signal } = request
  removeTree(place)
  try {
    await checkOut(repository, place.tree, commit, signal)
    if (!existsSync(folder)) {
      const inside = relative(place.tree, folder)
      throw new ComparisonError(
        `The base ${ref} (${commit.slice(0, 8)}) has no folder ${inside}. Compare with a commit that has it.`,
      )
    }
    if (prepare !== undefined) await runPrepare(prepare, request)
    markReady(place, { commit, prepare, node: process.version, preparedAt: readWallClock() })
  } catch (error) {
    removeTree(place)
    throw error
  }
}

/** Fills a folder with a commit, by the rules of the user's repository: filters, line ends, objects that are fetched when needed. */
async function checkOut(
  { gitDirectory, commonDirectory, top }: Repository,
  tree: string,
  commit: string,
  signal: AbortSignal,
): Promise<void> {
  mkdirSync(tree, { recursive: true })
  await git(tree, ['-c', 'init.defaultBranch=base', 'init', '--quiet', '--template='], { signal })
  const own = join(tree, '.git')
  mkdirSync(join(own, 'objects', 'info'), { recursive: true })
  writeFileSync(join(own, 'objects', 'info', 'alternates'), `${join(commonDirectory, 'objects')}\n`)
  const shallow = join(commonDirectory, 'shallow')
  if (existsSync(shallow)) copyFileSync(shallow, join(own, 'shallow'))
  const env = { GIT_DIR: gitDirectory, GIT_WORK_TREE: tree, GIT_INDEX_FILE: join(own, 'index') }
  const options = { env, signal }
  await git(top, ['-c', 'core.sparseCheckout=false', 'read-tree', commit], options)
  await git(tree, ['checkout-index', '--all', '--force', '--quiet'], options)
  await git(tree, ['update-ref', '--no-deref', 'HEAD', commit], { signal })
}

/** As the user's shell has it: `cleanEnvironment` makes it that of a production server, in which npm installs no devDependencies. */
function prepareEnvironment(): Record<string, string> {
  const env = cleanEnvironment(process.env)
  if (process.env.NODE_ENV === undefined || process.env.NODE_ENV === 'test') delete env.NODE_ENV
  return env
}

async function runPrepare(
  command: string,
  { commit, ref, folder, signal, onProgress }: GitBaseRequest & { commit: string; folder: string },
): Promise<void> {
  signal.throwIfAborted()
  const startedAt = readClock()
  const tell = () => onProgress(`prepares ${ref} (${commit.slice(0, 8)}): ${command}`, readClock() - startedAt)
  tell()
  const progress = setInterval(tell, PROGRESS)
  const child = new ServerProcess({ file: command, args: [], shell: true, cwd: folder, env: prepareEnvironment() })
  try {
    const { code, signal: by, spawnError } = await raceSignal(child.exited, signal)
    if (code === 0) return
    const how = spawnError ? spawnError.message : by ? `was ended by ${by}` : `exited with code ${code}`
    const output = child.output.tail.trimEnd().split('\n').slice(-MOST_OUTPUT_LINES).join('\n')
    throw new ComparisonError(
      `\`prepare\` of the base ${ref} (${commit.slice(0, 8)}) ${how} after ${formatDuration(readClock() - startedAt)}: ${command}\n` +
        `  folder: ${folder}\n  output:\n${output.replace(/^/gm, '    ')}`,
    )
  } catch (error) {
    throw signal.aborted ? abortReason(signal) : error
  } finally {
    clearInterval(progress)
    await child.end(PREPARE_SHUTDOWN)
  }
}
