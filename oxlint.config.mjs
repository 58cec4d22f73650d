// The linter's rules, and the layers of `src/`: each room says once which rooms lie below it.

/** A room may import itself and what is listed here. */
const ROOMS = {
  results: ['base'],
  lifecycle: ['base', 'results'],
  probe: ['base', 'results', 'lifecycle'],
  server: ['base', 'results', 'lifecycle', 'probe'],
  load: ['base', 'results', 'lifecycle', 'probe'],
  memory: ['base', 'results', 'lifecycle', 'probe'],
  profile: ['base', 'results', 'lifecycle', 'probe'],
  compare: ['base', 'results', 'lifecycle', 'probe', 'server', 'load', 'memory', 'profile'],
  vitest: ['base', 'results', 'lifecycle', 'probe', 'server', 'load', 'memory', 'profile', 'compare'],
  // These run in Vitest's main process, where no worker-side module may be loaded.
  config: ['base', 'results', 'lifecycle', 'server', 'load', 'memory', 'compare', 'report'],
  report: ['base', 'results'],
  cli: ['base', 'results', 'lifecycle', 'load', 'server', 'config'],
}

/** `load/` holds two programs: the spec's worker and the load process. The plan and the messages are all they share. */
const LOAD_ROOMS = {
  plan: [],
  bundle: [],
  data: [],
  measure: ['plan'],
  http: ['plan'],
  scenario: ['plan', 'http', 'measure'],
  engine: ['plan', 'measure', 'http', 'scenario'],
  spec: ['plan', 'bundle', 'worker'],
  worker: ['plan'],
}

/** What is open all the same: a worker has the spec's handle of load processes, which it asks to keep to its targets. */
const LOAD_OPEN = {
  worker: ['spec/load-child.ts', 'spec/load-engine.ts', 'spec/load-process.ts', 'spec/load-processes.ts'],
  engine: ['worker/connection-guard.ts'],
}

/** Modules of a forbidden room that may be imported all the same. */
const OPEN = { report: ['vitest/artifacts.ts'], vitest: ['report/test-page.ts'] }

const NEED_VITEST = ['vitest', 'config', 'report']

/** Globals that a test's fake timers replace. `lifecycle/real-timers.ts` keeps the real ones. */
const FAKEABLE = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'performance',
  'Date',
  'queueMicrotask',
]

const LAYERS = 'Imports go down only; see ROOMS in oxlint.config.mjs.'

function relative(path, not = '') {
  return ['./', '../', '../../'].map((up) => `${not}${up}${path}`)
}

function forbid(rooms, allowed, open = []) {
  const forbidden = rooms.filter((room) => !allowed.includes(room))
  return {
    group: [...forbidden.flatMap((room) => relative(`${room}/**`)), ...open.flatMap((module) => relative(module, '!'))],
    message: LAYERS,
  }
}

function layer(files, patterns) {
  return { files, rules: { 'no-restricted-imports': ['error', { patterns }] } }
}

const vitestStaysOutside = { group: ['vitest', 'vitest/*'], message: 'Only vitest/, config/ and report/ know Vitest.' }

const rooms = Object.keys(ROOMS)
const layers = [
  layer(
    ['src/{errors,units,settings,server-url,tls,options,option-issues}.ts'],
    [forbid(rooms, []), vitestStaysOutside],
  ),
  ...rooms.map((room) =>
    layer(
      [`src/${room}/**`],
      [forbid(rooms, [room, ...ROOMS[room]], OPEN[room]), ...(NEED_VITEST.includes(room) ? [] : [vitestStaysOutside])],
    ),
  ),
  ...Object.entries(LOAD_ROOMS).map(([room, below]) =>
    layer(
      [`src/load/${room}/**`],
      [
        forbid(rooms, ['load', ...ROOMS.load]),
        forbid(Object.keys(LOAD_ROOMS), [room, ...below], LOAD_OPEN[room]),
        vitestStaysOutside,
      ],
    ),
  ),
]

export default {
  plugins: ['typescript', 'unicorn', 'import', 'promise', 'node'],
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    'typescript/no-explicit-any': 'error',
    'no-console': 'off',
    'no-await-in-loop': 'off',
    'import/no-unassigned-import': 'off',
    'import/no-cycle': 'error',
    'promise/always-return': 'off',
    'no-shadow': 'off',
    'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
    'no-underscore-dangle': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/require-module-specifiers': 'off',
    'import/no-empty-named-blocks': 'off',
    'no-control-regex': 'off',
    'unicorn/no-new-array': 'off',
    'unicorn/require-post-message-target-origin': 'off',
    'unicorn/consistent-function-scoping': 'off',
    // These need types. What matters of them: a promise that nobody waits for.
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'off',
    'typescript/consistent-return': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/no-base-to-string': 'off',
    'typescript/no-implied-eval': 'off',
    'typescript/unbound-method': 'off',
    'typescript/no-unnecessary-type-assertion': 'off',
    'typescript/no-unnecessary-type-parameters': 'off',
    'typescript/require-array-sort-compare': 'off',
    'typescript/no-unsafe-unary-minus': 'off',
    'typescript/no-unnecessary-template-expression': 'off',
  },
  overrides: [
    ...layers,
    {
      files: ['src/{lifecycle,load,memory,probe,server,vitest,compare}/**/*.ts'],
      excludeFiles: ['src/lifecycle/real-timers.ts'],
      rules: {
        'no-restricted-globals': [
          'error',
          ...FAKEABLE.map((name) => ({
            name,
            message: 'A test may have faked it: import it from lifecycle/real-timers.ts.',
          })),
          { name: 'URL', message: 'A test may have stubbed it: import it from node:url.' },
        ],
      },
    },
    {
      files: ['src/{lifecycle,load,memory,server,vitest,compare}/**/*.ts'],
      excludeFiles: ['src/lifecycle/real-kill.ts'],
      rules: {
        'no-restricted-properties': [
          'error',
          {
            object: 'process',
            property: 'kill',
            message: 'A test may have faked it: import it from lifecycle/real-kill.ts.',
          },
        ],
      },
    },
    { files: ['test/e2e/**'], rules: { 'no-template-curly-in-string': 'off' } },
    {
      files: ['test/**', 'bench/**', 'examples/**', 'scripts/**'],
      rules: { 'max-lines-per-function': 'off', 'no-new': 'off' },
    },
  ],
}
