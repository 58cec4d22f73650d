import { defineConfig } from 'vitest/config'

// What judges figures has the machine to itself: one file at a time.
const ALONE = ['test/e2e/load.test.ts', 'test/e2e/memory.test.ts', 'test/e2e/causes.test.ts']
const UNIT_ALONE = ['test/unit/memory/*.test.ts', 'test/unit/compare/probed-cpu.test.ts']

// Unit tests that start processes or servers, or change what belongs to their process. All others are of pure rules: their files share
// a worker and its modules, which takes a third of the CPU.
const ISOLATED = [
  'test/unit/{cli,config,lifecycle,probe,server}/**/*.test.ts',
  'test/unit/compare/base/*.test.ts',
  'test/unit/load/*.test.ts',
  'test/unit/load/{bundle,worker}/*.test.ts',
  'test/unit/load/scenario/{hot-line,http2,scenarios}.test.ts',
  'test/unit/load/spec/{autocannon,checks,locust-engine,start-load}.test.ts',
  'test/unit/{reference,scale-guide}.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          exclude: [...ISOLATED, ...UNIT_ALONE],
          isolate: false,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'unit-isolated',
          include: ISOLATED,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'unit-alone',
          include: UNIT_ALONE,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: ALONE,
          globalSetup: ['test/e2e/harness/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'alone',
          include: ALONE,
          globalSetup: ['test/e2e/harness/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
