import { rmSync } from 'node:fs'
import { binary, run, step } from './tool.mjs'

step('format', () => run(binary('oxfmt'), ['--check']))
step('lint', () => run(binary('oxlint'), ['-c', 'oxlint.config.mjs', '--type-aware', '--deny-warnings']))
step('types', () => run(binary('typescript', 'tsc'), ['-p', 'tsconfig.json']))
step('unused files, exports and dependencies', () => run(binary('knip')))
step('tests', () => run('scripts/test.mjs'))
step('package', () => run('scripts/package.mjs'))
rmSync('.tmp', { recursive: true, force: true })
