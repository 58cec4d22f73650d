import { defineConfig } from 'vitest/config'
import perf from 'vitest-plugin-perf/plugin'

export default defineConfig({
  // In place of this URL, a CI job can set VITEST_PERF_SERVER_URL. Nothing is started or stopped.
  plugins: [perf({ server: { url: 'http://127.0.0.1:4321' } })],
  test: { include: ['**/*.perf.ts'], globalSetup: './staging.js' },
})
