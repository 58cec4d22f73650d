import { expect, test } from 'vitest'
import type { Vitest } from 'vitest/node'
import { assumeTerminalSize, terminalColumns, terminalRows } from '../../../src/report/terminal-size.ts'

function vitestOn(columns: number, rows: number): Pick<Vitest, 'logger'> {
  const logger = { getColumns: () => columns, outputStream: { columns, rows } }
  return { logger } as unknown as Pick<Vitest, 'logger'>
}

test('a terminal that says 0 columns counts as 80 by 24', () => {
  const unknown = vitestOn(0, 0)
  expect([terminalColumns(unknown), terminalRows(unknown)]).toEqual([80, 24])
  expect([terminalColumns(vitestOn(132, 50)), terminalRows(vitestOn(132, 50))]).toEqual([132, 50])
})

test("Vitest's own window counts by the same width, and follows a terminal that learns its size", () => {
  let columns = 0
  const vitest = { logger: { getColumns: () => columns } } as unknown as Pick<Vitest, 'logger'>
  assumeTerminalSize(vitest)
  expect(vitest.logger.getColumns()).toBe(80)
  columns = 120
  expect(vitest.logger.getColumns()).toBe(120)
})
