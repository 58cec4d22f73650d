import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { binary, node, root, run } from './tool.mjs'

// What a user installs: the tarball's files, the entries with their types, and the names they export.
const EXPORTS = JSON.parse(readFileSync(join(root, 'test/package/exports.json'), 'utf8'))

run(binary('publint'), ['--strict'])

const folder = mkdtempSync(join(tmpdir(), 'vitest-plugin-perf-package-'))
try {
  const npm = process.env.npm_execpath
  const pack = [npm, 'pack', '--json', '--ignore-scripts', `--pack-destination=${folder}`]
  const [packed] = Object.values(JSON.parse(execFileSync(node, pack, { cwd: root, encoding: 'utf8' })))
  const files = packed.files.map(({ path }) => path)
  const allowed =
    /^(dist\/.*\.(js|cjs|d\.ts|d\.cts|sh)|docs\/(guides|reference)\/.*\.md|schema\/.*\.json|assets\/report\/.*|assets\/locustfile\.py|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/
  assert.deepEqual(
    files.filter((file) => !allowed.test(file)),
    [],
    'the tarball holds files that no user needs',
  )
  assert.ok(packed.unpackedSize < 2_200_000, `the package unpacks to ${packed.unpackedSize} bytes`)
  run(binary('@arethetypeswrong/cli', 'attw'), [join(folder, packed.filename), '--profile', 'esm-only'])
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const { default: plugin, ...pluginExports } = await import(join(root, 'dist/plugin.js'))
const { default: reporter, ...reporterExports } = await import(join(root, 'dist/reporter.js'))
assert.equal(plugin, pluginExports.perf)
assert.equal(reporter, reporterExports.PerfReporter)
assert.deepEqual(Object.keys(pluginExports).sort(), EXPORTS.plugin)
assert.deepEqual(Object.keys(reporterExports).sort(), EXPORTS.reporter)
