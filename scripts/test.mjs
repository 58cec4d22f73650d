import { binary, run, step } from './tool.mjs'

const vitest = binary('vitest')
const only = process.argv.slice(2)

step('build', () => run('scripts/build.mjs'))
if (only.length > 0) {
  run(vitest, ['run', ...only])
} else {
  step('types on Vitest 4 and 5', () => {
    run(binary('typescript', 'tsc'), ['-p', 'test/types'])
    run(binary('typescript', 'tsc'), ['-p', 'test/compat/vitest-5'])
  })
  step('unit tests', () => run(vitest, ['run', '--project=unit', '--maxWorkers=2']))
  step('unit tests with processes of their own', () =>
    run(vitest, ['run', '--project=unit-isolated', '--maxWorkers=2']),
  )
  step('end-to-end tests on Vitest 4 and 5', () => run(vitest, ['run', '--project=e2e', '--maxWorkers=2']))
  step('tests that need the machine alone', () =>
    run(vitest, ['run', '--project=unit-alone', '--project=alone', '--maxWorkers=1']),
  )
  step('examples', () => run('scripts/examples.mjs'))
}
