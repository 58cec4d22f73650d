import { defineConfig } from 'vitest/config'
import perf from 'vitest-plugin-perf/plugin'

export default defineConfig({
  plugins: [perf({ server: { command: 'node server.cjs' } })],
  test: {
    projects: [
      { test: { name: 'unit', include: ['**/*.test.ts'] } },
      { extends: true, test: { name: 'perf', include: ['**/*.perf.ts'] } },
    ],
    fileParallelism: false,
  },
})
