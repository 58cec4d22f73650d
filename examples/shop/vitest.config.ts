import { defineConfig } from 'vitest/config'
import perf from 'vitest-plugin-perf/plugin'

export default defineConfig({
  plugins: [perf({ server: { command: 'node server.js' } })],
  test: { include: ['*.perf.ts'] },
})
