import { defineConfig } from 'vitest/config'

// What judges figures has the machine to itself.
const MEASURED = [
  'test/e2e/load.test.ts',
  'test/e2e/memory.test.ts',
  'test/e2e/causes.test.ts',
  'test/e2e/worker-leases.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: MEASURED,
          globalSetup: ['test/e2e/harness/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'measured',
          include: MEASURED,
          globalSetup: ['test/e2e/harness/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
