import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { loadArtifact } from '../unit/report/samples.ts'
import { MAJORS } from './harness/installed-package.ts'
import { createProject, removeProjects } from './harness/run-vitest.ts'
import { reporterConfig, runningSpec } from './report-project.ts'
import { missingTerminal, openTerminal, type Screen } from './report-terminal.ts'

const missing = missingTerminal()
if (missing) console.warn(`skipped: ${missing}`)

const open: Screen[] = []

function terminal(...args: Parameters<typeof openTerminal>): Screen {
  const screen = openTerminal(...args)
  open.push(screen)
  return screen
}

afterEach(() => {
  for (const screen of open.splice(0)) screen.kill()
})
afterAll(removeProjects)

const count = (rows: string[], pattern: RegExp) => rows.filter((row) => pattern.test(row)).length

describe.skipIf(missing).each(MAJORS)('live rows on Vitest %i', (major) => {
  test('stand under the window of the default reporter while a load runs, and are gone when it is done', async () => {
    const files = {
      'vitest.config.ts': reporterConfig('{}', { test: 'maxWorkers: 3' }),
      'a.perf.ts': runningSpec('GET /orders', 2_500, loadArtifact()),
      'b.perf.ts': runningSpec('GET /carts', 2_500, loadArtifact()),
      'c.perf.ts': `import { test } from 'vitest'\ntest('talks', () => { for (let i = 0; i < 40; i++) console.log('line ' + i) })`,
    }
    const screen = terminal(major, await createProject({ major, files }), { columns: 90 })
    const rows = await screen.waitFor(
      (now) => count(now, /▸ GET/) === 2 && count(now, /requests\/s {2}[▁-█]{2,}/) === 2,
    )
    const at = rows.findIndex((row) => row.includes('▸ GET'))
    expect(rows.findIndex((row) => /^ *Duration /.test(row))).toBeLessThan(at)
    expect(rows[at]).toMatch(/^ ▸ GET \/(orders|carts) +━*─+ +\ds left$/)
    expect(rows[at + 1]).toMatch(
      /^ {3}1,\d{3} requests\/s {2}[▁-█ ]+ p50 12\.1 ms {2}p99 48\.2 ms {2}3 errors {2}memory 42\.0 MB$/,
    )
    expect(await screen.exited).toBe(0)
    const everything = screen.everything()
    // Whatever a torn frame leaves behind scrolls up and stays there.
    expect(count(everything, /▸|━|[▁-█]{2}/)).toBe(0)
    expect(count(everything, /^ *Duration /)).toBe(1)
    expect(count(everything, /^line \d+$/)).toBe(40)
    expect(everything.join('\n')).toContain('2 of 2 perf tests hold')
    for (const frame of screen.frames) expect(count(frame, /▸ GET/)).toBeLessThanOrEqual(2)
  })

  test('fit 40 columns, wide and hostile titles included, and follow NO_COLOR', async () => {
    const title = '注文を読む 🚀 \u001b[2J\u0007\u202Eevil of a length that no such terminal can hold'
    const files = {
      'vitest.config.ts': reporterConfig(),
      'a.perf.ts': runningSpec(title, 2_000, loadArtifact(), 'plain'),
    }
    const project = await createProject({ major, files })
    const screen = terminal(major, project, { columns: 40, rows: 24, env: { NO_COLOR: '1' } })
    const rows = await screen.waitFor((now) => count(now, /▸ 注文/) === 1 && count(now, /12\/48ms/) === 1)
    const at = rows.findIndex((row) => row.includes('▸'))
    expect(rows[at]).toMatch(/…/)
    expect(rows[at + 1]).toMatch(/^ {3}1\d{3}\/s .*12\/48ms {2}3e {2}42\.0MB$/)
    expect(await screen.exited).toBe(0)
    expect(count(screen.everything(), /▸/)).toBe(0)
    expect(screen.raw()).not.toContain('\u001b[2J\u0007')
    // Our rows have no colour of their own; Vitest's have none either.
    expect(screen.raw()).not.toMatch(/\u001b\[3\d;?\d*m/)
  })

  test('are counted where the terminal is too low for all, and tear nothing', async () => {
    const names = ['one', 'two', 'three']
    const specs = names.map((name) => [`${name}.perf.ts`, runningSpec(name, 2_000, loadArtifact())])
    const config = reporterConfig('{}', { test: 'maxWorkers: 3' })
    const project = await createProject({ major, files: { 'vitest.config.ts': config, ...Object.fromEntries(specs) } })
    const screen = terminal(major, project, { columns: 70, rows: 16 })
    await screen.waitFor((now) => count(now, /▸ (one|two|three)/) >= 1 && count(now, /and [12] more running/) === 1)
    expect(await screen.exited).toBe(0)
    const everything = screen.everything()
    expect(count(everything, /▸|━|more running/)).toBe(0)
    expect(count(everything, /^ *Duration /)).toBe(1)
  })

  test('are back in watch mode when a file changes', async () => {
    const files = { 'vitest.config.ts': reporterConfig(), 'a.perf.ts': runningSpec('first', 1_000, loadArtifact()) }
    const project = await createProject({ major, files })
    const screen = terminal(major, project, { columns: 80, args: ['watch'] })
    await screen.waitFor((now) => count(now, /▸ first/) === 1)
    await screen.waitFor(
      (now) => count(now, /Waiting for file changes/) === 1 && count(now, /1 of 1 perf test holds/) === 1,
    )
    await writeFile(join(project, 'a.perf.ts'), runningSpec('second', 1_000, loadArtifact()))
    await screen.waitFor((now) => count(now, /▸ second/) === 1)
    const rows = await screen.waitFor((now) => count(now, /Waiting for file changes/) === 1)
    expect(count(rows, /▸/)).toBe(0)
    screen.type('q')
    expect(await screen.exited).toBe(0)
  })
})
