import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { parseAddress } from '../../src/load/plan/locust-options.ts'
import { AllowedTargets } from '../../src/load/worker/allowed-targets.ts'

const root = new URL('../../', import.meta.url)
const guide = readFileSync(new URL('docs/guides/scale.md', root), 'utf8')
const blocks = (language: string) =>
  [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, name, text = '']) => (name === language ? [text] : []))

/** What `npx vitest-plugin-perf worker` takes, by its own help. */
const help = execFileSync(process.execPath, [new URL('dist/cli/main.js', root).pathname, 'worker', '--help'], {
  encoding: 'utf8',
})
const known = [...help.matchAll(/^\s+(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag)

/** Values by option. */
function parse(args: readonly string[]): Record<string, string> {
  expect(args.length % 2).toBe(0)
  return Object.fromEntries(args.flatMap((arg, index) => (index % 2 === 0 ? [[arg, args[index + 1] as string]] : [])))
}

function expectToRun(args: readonly string[]): void {
  const options = parse(args)
  expect(known).toEqual(expect.arrayContaining(Object.keys(options)))
  expect(parseAddress(options['--master']?.replaceAll(/\$\{\{.*?\}\}/g, '1') ?? '')).toBeDefined()
  expect(options['--processes'] ?? '1').toMatch(/^(\d+|auto)$/)
  if (options['--allow'] !== undefined) expect(() => new AllowedTargets([options['--allow'] as string])).not.toThrow()
  if (options['--exit-after'] !== undefined) expect(options['--exit-after']).toMatch(/^\d+(s|m|h)$/)
}

interface Manifest {
  kind?: string
  metadata?: { name: string }
  // oxlint-disable-next-line typescript/no-explicit-any -- Whatever a manifest holds.
  spec?: any
}

const [kubernetes = '', actions = ''] = blocks('yaml')
const read = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([])
    return document.toJS() as Manifest
  })

describe('the guide on workers', () => {
  test('names each option of the command', () => {
    expect(known).toEqual(expect.arrayContaining(['--master', '--processes', '--allow', '--exit-after']))
    for (const flag of known.filter((flag) => flag !== '--help'))
      expect(guide).toMatch(new RegExp(`^\\| \`${flag} `, 'm'))
  })

  test('has command lines that run', () => {
    const lines = [...blocks('sh'), ...blocks('yaml')].flatMap((text) => [
      ...text.matchAll(/npx vitest-plugin-perf worker (.*?)['\n]/g),
    ])
    expect(lines.length).toBeGreaterThanOrEqual(4)
    for (const [, args = ''] of lines) expectToRun(args.replaceAll(/\$\{\{.*?\}\}/g, '1').split(' '))
  })

  test('has manifests for Kubernetes that fit together', () => {
    const manifests = read(kubernetes)
    const byKind = (kind: string) => manifests.find((manifest) => manifest.kind === kind) as Manifest
    const [service, job, deployment, policy] = ['Service', 'Job', 'Deployment', 'NetworkPolicy'].map(byKind) as [
      Manifest,
      Manifest,
      Manifest,
      Manifest,
    ]
    const [worker] = deployment.spec.template.spec.containers
    expect(worker.command).toEqual(['npx', 'vitest-plugin-perf', 'worker'])
    expectToRun(worker.args)
    const master = parseAddress(parse(worker.args)['--master'] as string)
    expect(master).toEqual({ host: service.metadata?.name, port: service.spec.ports[0].port })
    const { labels } = job.spec.template.metadata
    expect(service.spec.selector).toEqual(labels)
    expect(policy.spec.podSelector.matchLabels).toEqual(labels)
    expect(job.spec.template.spec.containers[0].ports[0].containerPort).toBe(master?.port)
    expect(policy.spec.ingress[0].ports[0].port).toBe(master?.port)
    expect(deployment.spec.selector.matchLabels).toEqual(deployment.spec.template.metadata.labels)
    expect(policy.spec.ingress[0].from[0].podSelector.matchLabels).toEqual(deployment.spec.template.metadata.labels)
    for (const { env } of [worker, job.spec.template.spec.containers[0]]) {
      expect(env).toEqual([
        {
          name: 'VITEST_PERF_TOKEN',
          valueFrom: { secretKeyRef: { name: byKind('Secret').metadata?.name, key: 'token' } },
        },
      ])
    }
    expect(kubernetes).toContain(`workers: ${deployment.spec.replicas},`)
  })

  test('has a workflow with as many workers as the load asks for', () => {
    const [workflow] = read(actions) as unknown as [
      { jobs: Record<string, { strategy?: { matrix: { worker: number[] } } }> },
    ]
    const workers = Object.values(workflow.jobs).flatMap(({ strategy }) => strategy?.matrix.worker ?? [])
    expect(actions).toContain(`workers: ${workers.length},`)
  })
})
