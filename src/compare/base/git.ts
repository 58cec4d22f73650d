import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { ComparisonError } from '../../errors.ts'

/** A repository, seen from a folder in it. */
export interface Repository {
  /** The folder that was asked from. */
  readonly folder: string
  /** The top of its working tree. */
  readonly top: string
  readonly gitDirectory: string
  /** Where objects and refs are: another folder than `gitDirectory` in a linked worktree. */
  readonly commonDirectory: string
}

export interface GitOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/** Of a git hook, in which a test may run: they would lead our commands to the index of the commit under way. */
const FOREIGN = /^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|OBJECT_DIRECTORY|COMMON_DIR|NAMESPACE)$/

function environment(added: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name)))
  return { ...own, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', ...added }
}

interface GitFailure {
  readonly failed: true
  readonly message: string
}

/** Runs git and returns what it printed; what went wrong is a value, since most callers have something better to say. */
export function tryGit(
  folder: string,
  args: readonly string[],
  options: GitOptions = {},
): Promise<string | GitFailure> {
  return new Promise((settle, reject) => {
    const { env, signal } = options
    execFile(
      'git',
      args,
      { cwd: folder, env: environment(env), maxBuffer: 64 * 1024 * 1024, ...(signal ? { signal } : {}) },
      (error, stdout, stderr) => {
        if (!error) return settle(stdout.trimEnd())
        if (signal?.aborted) return reject(signal.reason as Error)
        if ((error as NodeJS.ErrnoException).code === 'ENOENT' && existsSync(folder)) {
          const advice = 'Install git, or give `base` a folder (`cwd`) in place of `git`.'
          return reject(
            new ComparisonError(`git was not found, so the base of the comparison cannot be made. ${advice}`),
          )
        }
        settle({ failed: true, message: stderr.trim() || error.message })
      },
    )
  })
}

/** Runs git. What it says of a failure becomes part of the error. */
export async function git(folder: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  const answer = await tryGit(folder, args, options)
  if (typeof answer === 'string') return answer
  throw new ComparisonError(`\`git ${args.join(' ')}\` failed in ${folder}: ${answer.message}`)
}

/** Finds the repository that a folder is in. */
export async function findRepository(folder: string, signal?: AbortSignal): Promise<Repository | undefined> {
  const answer = await tryGit(folder, ['rev-parse', '--show-toplevel', '--absolute-git-dir', '--git-common-dir'], {
    signal,
  })
  if (typeof answer !== 'string') return undefined
  const [top, gitDirectory, common] = answer.split('\n')
  if (!top || !gitDirectory || !common) return undefined
  return { folder, top, gitDirectory, commonDirectory: resolve(folder, common) }
}

const MERGE_BASE = 'merge-base:'

async function isShallow({ folder }: Repository, signal?: AbortSignal): Promise<boolean> {
  return (await tryGit(folder, ['rev-parse', '--is-shallow-repository'], { signal })) === 'true'
}

/** Advice for what a clone without history does not have. */
const SHALLOW =
  'This clone is shallow. In GitHub Actions set `fetch-depth: 0` for actions/checkout; elsewhere run `git fetch --unshallow`.'

/**
 * Returns the commit that a branch, tag, hash or `merge-base:<ref>` names.
 *
 * @throws {ComparisonError} for a ref that is unknown here, with what to do about it.
 */
export async function findCommit(repository: Repository, ref: string, signal?: AbortSignal): Promise<string> {
  const { folder } = repository
  const name = ref.startsWith(MERGE_BASE) ? ref.slice(MERGE_BASE.length) : ref
  const commit = await tryGit(folder, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`], {
    signal,
  })
  if (typeof commit !== 'string') {
    const remote = /^([^/]+)\/(.+)$/.exec(name)
    const fetching = remote ? ` Or fetch it: \`git fetch ${remote[1]} ${remote[2]}\`.` : ''
    const advice = (await isShallow(repository, signal))
      ? `${SHALLOW}${fetching}`
      : `Name a branch, a tag or a commit that \`git rev-parse\` knows.${fetching}`
    throw new ComparisonError(`The base \`git: ${JSON.stringify(ref)}\` is unknown in ${repository.top}. ${advice}`)
  }
  if (name === ref) return commit
  const base = await tryGit(folder, ['merge-base', 'HEAD', commit], { signal })
  if (typeof base === 'string' && base !== '') return base
  const advice = (await isShallow(repository, signal)) ? SHALLOW : `Their histories have no commit in common.`
  throw new ComparisonError(`HEAD and ${name} have no merge base in ${repository.top}. ${advice}`)
}

/** What the working tree is: its commit, and whether it holds changes that no commit has. */
export async function describeWorkingTree(
  { folder }: Repository,
  signal?: AbortSignal,
): Promise<{ commit?: string; dirty?: boolean }> {
  const commit = await tryGit(folder, ['rev-parse', '--verify', '--quiet', 'HEAD'], { signal })
  if (typeof commit !== 'string') return {}
  const changes = await tryGit(folder, ['status', '--porcelain', '--untracked-files=normal'], { signal })
  return { commit, ...(typeof changes === 'string' ? { dirty: changes !== '' } : {}) }
}
