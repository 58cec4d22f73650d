import { exampleRecords } from '../unit/report/samples.ts'
import type { TestRecord } from '../../src/report/summary.ts'

// Specs that record real Vitest artifacts without a load: what the reporter makes of them is then known to the last figure.

/** Source of a config with the reporter and no plugin. */
export function reporterConfig(options = '{}', { plugins = '', reporters = '', test = '' } = {}): string {
  return `import { defineConfig } from 'vitest/config'
export default defineConfig({
  plugins: [${plugins}],
  test: { include: ['**/*.perf.ts'], reporters: [['vitest-plugin-perf/reporter', ${options}], ${reporters}], includeTaskLocation: true, ${test} },
})
`
}

function specSource(records: TestRecord[]): string {
  const tests = records.map((record) => {
    const [error] = record.errors
    const fails = error ? `throw new Error(${JSON.stringify(error.message)})` : ''
    const name = JSON.stringify(record.path.at(-1))
    const body = `test(${name}, async ({ task }) => {
  for (const artifact of ${JSON.stringify(record.artifacts)}) await recordArtifact(task, artifact)
  ${fails}
})`
    return record.path
      .slice(0, -1)
      .reduceRight((inner, suite) => `describe(${JSON.stringify(suite)}, () => {\n${inner}\n})`, body)
  })
  return `import { describe, recordArtifact, test } from 'vitest'\n${tests.join('\n')}\n`
}

/** Spec files that record what `exampleRecords` holds, by file name. */
export function exampleSpecs(records: TestRecord[] = exampleRecords()): Record<string, string> {
  const files = new Map<string, TestRecord[]>()
  for (const record of records) files.set(record.file, [...(files.get(record.file) ?? []), record])
  return Object.fromEntries([...files].map(([file, own]) => [file, specSource(own)]))
}

/** A spec whose test reports a running load for `milliseconds`, every 100 ms, and then its result. */
export function runningSpec(title: string, milliseconds: number, result: object, name = title): string {
  return `import { recordArtifact, test } from 'vitest'
test(${JSON.stringify(name)}, { timeout: 60_000 }, async ({ task }) => {
  const planned = ${milliseconds}
  const started = Date.now()
  for (let elapsed = 0; elapsed < planned; elapsed = Date.now() - started) {
    await recordArtifact(task, {
      type: 'perf:progress', id: 'load-1', attempt: 0, kind: 'load', title: ${JSON.stringify(title)},
      progress: elapsed / planned, elapsed, planned,
      requestsPerSecond: 1000 + elapsed / 10, p50: 12.1, p99: 48.2, errors: 3,
      memory: { timestamp: started, rss: 90e6, heapUsed: 44_040_192, heapTotal: 60e6, external: 0, arrayBuffers: 0 },
    })
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await recordArtifact(task, ${JSON.stringify(result)})
})
`
}
