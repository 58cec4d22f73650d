import { defineConfig } from 'vitest/config'
import perf from 'vitest-plugin-perf/plugin'

export default defineConfig({
  plugins: [perf({ server: { command: 'node server.js', cwd: import.meta.dirname, envFile: '.env.test' } })],
  test: {
    name: 'api',
    include: ['**/*.perf.ts'],
    fileParallelism: false, // one load test at a time
    sequence: { groupOrder: 1 }, // after the unit tests of the other packages
  },
})
