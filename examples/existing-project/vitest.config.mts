import { defineConfig } from 'vitest/config'
import perf from 'vitest-plugin-perf/plugin'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit' } }, // *.test.* and *.spec.*, as before
      {
        plugins: [perf({ server: { command: 'node server.cjs' } })],
        test: {
          name: 'perf',
          include: ['**/*.perf.ts'],
          fileParallelism: false, // one load test at a time
          sequence: { groupOrder: 1 }, // after the unit tests
        },
      },
    ],
  },
})
