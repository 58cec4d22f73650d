import { execFileSync, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { setTimeout as delay } from 'node:timers/promises'
// What it spawns belongs to a watchdog, which is a program of the build.
import { makeGitBase, type GitBase, type GitBaseRequest } from '../../../../dist/compare/base/git-base.js'
import { describeWorkingTree, findRepository } from '../../../../dist/compare/base/git.js'
import { isAlive } from '../../../../src/compare/base/folder-lock.ts'

// Real git, dozens of times a test: a busy machine takes 200 ms for each.
vi.setConfig({ testTimeout: 90_000 })

let folder = ''
let made: GitBase[] = []

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'perf base ')))
})
afterEach(() => {
  for (const base of made) base.release()
  made = []
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})

function git(cwd: string, ...args: string[]): string {
  return execFileSync(
    'git',
    ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'protocol.file.allow=always', ...args],
    { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  ).trim()
}

function write(top: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(top, name)), { recursive: true })
    writeFileSync(join(top, name), text)
  }
}

function commit(top: string, message: string, files: Record<string, string>): string {
  write(top, files)
  git(top, 'add', '-A')
  git(top, 'commit', '-qm', message)
  return git(top, 'rev-parse', 'HEAD')
}

function createRepository(name = 'repo', files: Record<string, string> = {}): string {
  const top = join(folder, name)
  mkdirSync(top)
  git(top, 'init', '-q', '-b', 'main')
  commit(top, 'first', { '.gitignore': 'node_modules\n', 'server.js': 'first', ...files })
  return top
}

/** What the user can see of a repository: none of it may change. */
function stateOf(top: string): string[] {
  return [
    git(top, 'worktree', 'list'),
    git(top, 'status', '--porcelain'),
    git(top, 'branch', '-a'),
    git(top, 'stash', 'list'),
    git(top, 'config', '--local', '--list'),
    readdirSync(join(top, '.git'))
      .filter((name) => name !== 'index')
      .sort()
      .join(),
  ]
}

async function make(request: Partial<GitBaseRequest> & Pick<GitBaseRequest, 'root' | 'ref'>): Promise<GitBase> {
  const base = await makeGitBase({
    prepare: undefined,
    signal: new AbortController().signal,
    onProgress: () => {},
    ...request,
  })
  made.push(base)
  return base
}

const failure = (request: Parameters<typeof make>[0]) =>
  make(request).then(
    () => undefined,
    (error: Error & { code?: string }) => error,
  )

function cached(root: string): string[] {
  const cache = join(root, 'node_modules/.cache/vitest-plugin-perf/base')
  return existsSync(cache) ? readdirSync(cache) : []
}

describe('the commit', () => {
  test('a branch, a tag, a hash: its files, and not those of the working tree', async () => {
    const top = createRepository()
    const first = git(top, 'rev-parse', 'HEAD')
    git(top, 'tag', 'v1')
    git(top, 'checkout', '-qb', 'feature')
    commit(top, 'second', { 'server.js': 'second', 'new.js': '' })
    write(top, { 'server.js': 'changed' })
    const before = stateOf(top)
    for (const ref of ['main', 'v1', first.slice(0, 9), 'HEAD~1']) {
      const base = await make({ root: top, ref })
      expect(base.commit).toBe(first)
      expect(readFileSync(join(base.folder, 'server.js'), 'utf8')).toBe('first')
      expect(existsSync(join(base.folder, 'new.js'))).toBe(false)
      expect(base.notes).toEqual([])
      // A build script may ask for the commit it is of.
      expect(git(base.folder, 'rev-parse', 'HEAD')).toBe(first)
      expect(git(base.folder, 'status', '--porcelain')).toBe('')
    }
    expect(stateOf(top)).toEqual(before)
    expect(cached(top)).toHaveLength(1)
  })

  test('`merge-base:` is where the branch began, however far both have gone since', async () => {
    const top = createRepository()
    const fork = commit(top, 'fork', { 'server.js': 'fork' })
    git(top, 'checkout', '-qb', 'feature')
    commit(top, 'ours', { 'server.js': 'ours' })
    git(top, 'checkout', '-q', 'main')
    commit(top, 'theirs', { 'server.js': 'theirs' })
    git(top, 'checkout', '-q', 'feature')
    expect((await make({ root: top, ref: 'merge-base:main' })).commit).toBe(fork)
    git(top, 'checkout', '-q', '--orphan', 'other')
    commit(top, 'alone', { 'other.js': '' })
    const error = await failure({ root: top, ref: 'merge-base:main' })
    expect(error?.message).toMatch(
      /^HEAD and main have no merge base in .* Their histories have no commit in common\.$/,
    )
  })

  test('a checkout of depth 1, as in GitHub Actions: what to set', async () => {
    const origin = createRepository('origin')
    git(origin, 'checkout', '-qb', 'feature')
    commit(origin, 'ours', { 'server.js': 'ours' })
    git(folder, 'clone', '-q', '--depth=1', '--branch=feature', pathToFileURL(origin).href, 'clone')
    const clone = join(folder, 'clone')
    for (const ref of ['origin/main', 'HEAD~1', 'merge-base:origin/main']) {
      const error = await failure({ root: clone, ref })
      expect(error?.code, ref).toBe('PERF_COMPARE')
      expect(error?.message, ref).toContain('`fetch-depth: 0`')
    }
    expect((await failure({ root: clone, ref: 'origin/main' }))?.message).toContain('`git fetch origin main`')
    // The branch is there, and the history is not.
    git(clone, 'fetch', '-q', '--depth=1', 'origin', 'main:refs/remotes/origin/main')
    const error = await failure({ root: clone, ref: 'merge-base:origin/main' })
    expect(error?.message).toMatch(/^HEAD and origin\/main have no merge base.*fetch-depth: 0/)
    // Without the merge base there is a base in a shallow clone too.
    const base = await make({ root: clone, ref: 'origin/main' })
    expect(readFileSync(join(base.folder, 'server.js'), 'utf8')).toBe('first')
    expect(cached(clone)).toHaveLength(1)
  })

  test('an option in place of a ref is no option of git', async () => {
    const top = createRepository()
    const error = await failure({ root: top, ref: '--output=/tmp/owned' })
    expect(error?.message).toContain('is unknown in')
  })

  test('outside a repository, and without git', async () => {
    const lonely = join(folder, 'lonely')
    mkdirSync(lonely)
    expect((await failure({ root: lonely, ref: 'main' }))?.message).toContain('is in no git repository')
    const { PATH } = process.env
    process.env.PATH = lonely
    try {
      const error = await failure({ root: createPlainFolder(), ref: 'main' })
      expect(error?.message).toMatch(/^git was not found.*Install git/)
    } finally {
      process.env.PATH = PATH
    }
  })

  test('a test in a git hook looks at the repository it is in, not at the one of the hook', async () => {
    const top = createRepository()
    const other = createRepository('other', { 'server.js': 'other' })
    process.env.GIT_DIR = join(other, '.git')
    process.env.GIT_INDEX_FILE = join(other, '.git/index')
    try {
      const base = await make({ root: top, ref: 'HEAD' })
      expect(readFileSync(join(base.folder, 'server.js'), 'utf8')).toBe('first')
    } finally {
      delete process.env.GIT_DIR
      delete process.env.GIT_INDEX_FILE
    }
  })
})

function createPlainFolder(): string {
  return mkdtempSync(join(folder, 'plain-'))
}

describe('the tree', () => {
  test('a monorepo: the same folder of it', async () => {
    const top = createRepository('mono', { 'packages/api/server.js': 'api', 'packages/web/x.js': '' })
    const root = join(top, 'packages/api')
    const log = join(folder, 'pwd')
    const base = await make({ root, ref: 'HEAD', prepare: `pwd > "${log}"` })
    expect(base.folder).toBe(join(base.tree, 'packages/api'))
    expect(readFileSync(join(base.folder, 'server.js'), 'utf8')).toBe('api')
    expect(readFileSync(log, 'utf8').trim()).toBe(base.folder)
    expect(existsSync(join(base.tree, 'packages/web/x.js'))).toBe(true)
    const added = join(top, 'packages/new')
    mkdirSync(added)
    const error = await failure({ root: added, ref: 'HEAD' })
    expect(error?.message).toMatch(/^The base HEAD \([0-9a-f]{8}\) has no folder packages\/new\./)
  })

  test('a linked worktree', async () => {
    const top = createRepository()
    git(top, 'worktree', 'add', '-q', '-b', 'linked', join(folder, 'linked'))
    const before = git(top, 'worktree', 'list')
    const base = await make({ root: join(folder, 'linked'), ref: 'main' })
    expect(readFileSync(join(base.folder, 'server.js'), 'utf8')).toBe('first')
    expect(git(top, 'worktree', 'list')).toBe(before)
  })

  test('submodules are said to be missing', async () => {
    const library = createRepository('library')
    const top = createRepository()
    git(top, 'submodule', '--quiet', 'add', library, 'vendor/library')
    git(top, 'commit', '-qm', 'submodule')
    const before = stateOf(top)
    const base = await make({ root: top, ref: 'HEAD' })
    expect(base.notes.join()).toContain('no submodules')
    expect(existsSync(join(base.tree, 'vendor/library/server.js'))).toBe(false)
    expect(stateOf(top)).toEqual(before)
  })

  test('what is in the working tree alone is known', async () => {
    const top = createRepository()
    const look = async () => describeWorkingTree((await findRepository(top))!)
    const first = git(top, 'rev-parse', 'HEAD')
    expect(await look()).toEqual({ commit: first, dirty: false })
    write(top, { 'untracked.js': '' })
    expect(await look()).toEqual({ commit: first, dirty: true })
  })
})

describe('prepare', () => {
  test('runs once for each commit and each command, and two workers share it', async () => {
    const top = createRepository()
    const log = join(folder, 'log')
    const prepare = `echo run >> "${log}"; sleep 0.5; echo built > built.txt`
    const steps: string[] = []
    const request = { root: top, ref: 'HEAD', prepare, onProgress: (step: string) => void steps.push(step) }
    const bases = await Promise.all([make(request), make(request), make(request)])
    for (const base of bases) expect(existsSync(join(base.folder, 'built.txt'))).toBe(true)
    await make(request)
    expect(readFileSync(log, 'utf8')).toBe('run\n')
    expect(steps.filter((step) => step.startsWith('waits for another worker'))).toHaveLength(2)
    expect(steps).toContain(`waits for another worker (pid ${process.pid}) to prepare ${bases[0]?.commit.slice(0, 8)}`)
    expect(steps.some((step) => step.startsWith('prepares HEAD ('))).toBe(true)
    await make({ ...request, prepare: `echo other >> "${log}"` })
    expect(readFileSync(log, 'utf8')).toBe('run\nother\n')
    expect(cached(top).filter((name) => name.endsWith('.lock'))).toEqual([])
  })

  test('that fails shows how, where and what it printed, and leaves nothing', async () => {
    const top = createRepository()
    const prepare = 'echo to stdout; echo to stderr >&2; exit 7'
    const error = await failure({ root: top, ref: 'main', prepare })
    expect(error?.code).toBe('PERF_COMPARE')
    expect(error?.message).toMatch(
      /^`prepare` of the base main \([0-9a-f]{8}\) exited with code 7 after .*: echo to stdout;/,
    )
    expect(error?.message).toContain('    to stdout')
    expect(error?.message).toContain('    to stderr')
    expect(cached(top)).toEqual([])
    // And it is tried again, not remembered.
    expect((await failure({ root: top, ref: 'main', prepare }))?.message).toContain('exited with code 7')
  })

  test('that is aborted ends with all that it started', async () => {
    const top = createRepository()
    const pids = join(folder, 'pids')
    const controller = new AbortController()
    const making = failure({
      root: top,
      ref: 'HEAD',
      prepare: `sleep 60 & echo $! > "${pids}"; wait`,
      signal: controller.signal,
    })
    await until(() => existsSync(pids) && readFileSync(pids, 'utf8').trim() !== '')
    controller.abort(new Error('enough'))
    expect((await making)?.message).toBe('enough')
    await until(() => !isAlive(Number(readFileSync(pids, 'utf8'))))
    expect(cached(top)).toEqual([])
  })

  test('whose worker is killed is done again by the next, and nothing of it is left', async () => {
    const top = createRepository()
    const before = stateOf(top)
    const pids = join(folder, 'pids')
    const source = `import { makeGitBase } from ${JSON.stringify(new URL('../../../../dist/compare/base/git-base.js', import.meta.url).href)}
await makeGitBase({ root: process.argv[1], ref: 'HEAD', prepare: process.argv[2], signal: new AbortController().signal, onProgress() {} })`
    const hanging = `echo half > half.txt; if [ ! -e "${pids}" ]; then sleep 60 & echo $! > "${pids}"; wait; fi`
    const worker = spawn(process.execPath, ['--input-type=module', '-e', source, top, hanging], { stdio: 'inherit' })
    await until(() => existsSync(pids) && readFileSync(pids, 'utf8').trim() !== '')
    worker.kill('SIGKILL')
    await until(() => !isAlive(Number(readFileSync(pids, 'utf8'))))
    expect(stateOf(top)).toEqual(before)
    const steps: string[] = []
    const base = await make({ root: top, ref: 'HEAD', prepare: hanging, onProgress: (step) => void steps.push(step) })
    expect(existsSync(join(base.folder, 'half.txt'))).toBe(true)
    expect(steps.some((step) => step.startsWith('prepares'))).toBe(true)
    expect(cached(top)).toHaveLength(1)
    expect(stateOf(top)).toEqual(before)
  })
})

test('the newest three trees are kept, and those in use', async () => {
  const top = createRepository()
  const commits = [git(top, 'rev-parse', 'HEAD')]
  for (const name of ['two', 'three', 'four', 'five']) commits.push(commit(top, name, { 'server.js': name }))
  const used = await make({ root: top, ref: commits[0] as string })
  for (const ref of commits.slice(1)) (await make({ root: top, ref })).release()
  const kept = () =>
    cached(top)
      .map((name) => commits.findIndex((hash) => hash.startsWith(name.slice(0, 12))))
      .sort()
  // The first is in use; of the others the newest three.
  expect(kept()).toEqual([0, 2, 3, 4])
  used.release()
  ;(await make({ root: top, ref: commits[3] as string })).release()
  expect(kept()).toEqual([2, 3, 4])
})

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 400) throw new Error('It did not come')
    await delay(25)
  }
}
