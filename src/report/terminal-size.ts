import type { Vitest } from 'vitest/node'

const COLUMNS = 80
const ROWS = 24

/** Columns of the terminal; 80 where it does not know, as in `docker run -t`, `script` and some CI runners, which say 0. */
export function terminalColumns({ logger }: Pick<Vitest, 'logger'>): number {
  const columns = logger.getColumns()
  return columns > 0 ? columns : COLUMNS
}

export function terminalRows({ logger }: Pick<Vitest, 'logger'>): number {
  const { rows } = logger.outputStream as { rows?: number }
  return rows && rows > 0 ? rows : ROWS
}

/** Vitest's own window counts its rows by the same width: at 0 columns each of its lines would be infinitely many. */
export function assumeTerminalSize(vitest: Pick<Vitest, 'logger'>): void {
  if (vitest.logger.getColumns() > 0) return
  const { logger } = vitest
  const ask = logger.getColumns.bind(logger)
  logger.getColumns = () => ask() || COLUMNS
}
