import { defineConfig } from 'vitest/config'
import perf from 'vitest-plugin-perf/plugin'

export default defineConfig({
  plugins: [perf({ server: { module: './app.js', scope: 'file' } })],
  test: { include: ['**/*.perf.ts'] },
})
