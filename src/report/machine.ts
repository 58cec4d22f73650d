import { readFileSync, statSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { packageVersion } from '../package-version.ts'

/** Where a run was reported: figures of two machines are not comparable, so a report says which it was. */
export interface ReportEnvironment {
  /** The version of this package. */
  plugin: string
  node: string
  vitest: string
  platform: string
  arch: string
  /** The system's release. */
  release: string
  /** Model of the processor, where the system tells. */
  cpu: string | null
  cores: number
  /** Memory of the machine in bytes. */
  memory: number
  /** The CI system, where there is one. */
  ci: string | null
  /** Hash of the commit, from the CI system's variables or from git's own files. */
  commit: string | null
}

const COMMIT_VARIABLES = [
  'GITHUB_SHA',
  'CI_COMMIT_SHA',
  'CIRCLE_SHA1',
  'BUILDKITE_COMMIT',
  'BITBUCKET_COMMIT',
  'BUILD_SOURCEVERSION',
  'TRAVIS_COMMIT',
  'GIT_COMMIT',
]

const CI_SYSTEMS: readonly (readonly [variable: string, name: string])[] = [
  ['GITHUB_ACTIONS', 'GitHub Actions'],
  ['GITLAB_CI', 'GitLab CI'],
  ['CIRCLECI', 'CircleCI'],
  ['BUILDKITE', 'Buildkite'],
  ['BITBUCKET_BUILD_NUMBER', 'Bitbucket'],
  ['TF_BUILD', 'Azure Pipelines'],
  ['TRAVIS', 'Travis CI'],
  ['JENKINS_URL', 'Jenkins'],
  ['CI', 'CI'],
]

/** Reads the environment; what cannot be read is `null`, never an error. */
export function readEnvironment(
  root: string,
  vitest: string,
  env: Record<string, string | undefined>,
): ReportEnvironment {
  const processors = cpus()
  return {
    plugin: packageVersion(),
    node: process.version,
    vitest,
    platform: platform(),
    arch: arch(),
    release: release(),
    cpu: processors[0]?.model.trim() || null,
    cores: availableParallelism(),
    memory: totalmem(),
    ci: CI_SYSTEMS.find(([variable]) => env[variable])?.[1] ?? null,
    commit: findCommit(root, env),
  }
}

/** The commit: named by the CI system, else read from git's files around `root`. */
export function findCommit(root: string, env: Record<string, string | undefined>): string | null {
  for (const variable of COMMIT_VARIABLES) {
    const value = env[variable]
    if (value && isHash(value)) return value
  }
  try {
    const directory = findGitDirectory(resolve(root))
    return directory ? readHead(directory) : null
  } catch {
    return null
  }
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{7,64}$/i.test(text)
}

function findGitDirectory(from: string): string | null {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, '.git')
    const stat = statSync(candidate, { throwIfNoEntry: false })
    if (stat?.isDirectory()) return candidate
    if (stat?.isFile()) {
      // A linked work tree or a submodule: the file names the directory.
      const pointer = /^gitdir: (.+)$/m.exec(readFileSync(candidate, 'utf8'))?.[1]
      return pointer ? resolve(directory, pointer.trim()) : null
    }
    if (dirname(directory) === directory) return null
  }
}

function readHead(directory: string): string | null {
  const head = readFileSync(join(directory, 'HEAD'), 'utf8').trim()
  const reference = /^ref: (.+)$/.exec(head)?.[1]
  if (reference === undefined) return isHash(head) ? head : null
  const common = readOptional(join(directory, 'commondir'))?.trim()
  for (const base of [directory, ...(common ? [resolve(directory, common)] : [])]) {
    const hash = readOptional(join(base, reference))?.trim() ?? packedHash(base, reference)
    if (hash && isHash(hash)) return hash
  }
  return null
}

function packedHash(base: string, reference: string): string | undefined {
  const packed = readOptional(join(base, 'packed-refs'))
  return packed
    ?.split('\n')
    .find((line) => line.endsWith(` ${reference}`))
    ?.split(' ')[0]
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
