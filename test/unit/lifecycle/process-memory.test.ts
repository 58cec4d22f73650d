import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { listWithDescendants, psTable, readResidentTree } from '../../../src/lifecycle/process-table.ts'

// Where there is no `/proc`, as on macOS, all of it comes from `ps`.
describe.skipIf(process.platform === 'win32')('memory of a process tree', () => {
  it.each([
    ['the table of this system', undefined],
    ['ps', psTable],
  ])(
    'is that of the root and of children that its threads started, by %s',
    async (_, table) => {
      const child = `require('node:child_process').spawn('sleep', ['60']); setInterval(() => {}, 1e6)`
      const script = `new (require('node:worker_threads').Worker)(${JSON.stringify(child)}, { eval: true })`
      const root = spawn(process.execPath, ['-e', script], { stdio: 'ignore', detached: true })
      const pid = root.pid as number
      try {
        const names = () => listWithDescendants(pid, table).map(({ name }) => name)
        await vi.waitFor(() => expect(names()).toContain('sleep'), { timeout: 20_000, interval: 50 })
        expect(names()).toHaveLength(2)
        const bytes = readResidentTree(pid, table) as number
        expect(bytes).toBeGreaterThan(30 * 1024 * 1024)
        expect(bytes).toBeLessThan(500 * 1024 * 1024)
      } finally {
        process.kill(-pid, 'SIGKILL')
      }
      await once(root, 'exit')
      expect(readResidentTree(pid, table)).toBeUndefined()
      expect(listWithDescendants(pid, table)).toEqual([])
    },
    30_000,
  )
})
