import type { Vitest } from 'vitest/node'
import { renderLiveRows } from './live-rows.ts'
import type { LiveState } from './live-state.ts'
import type { Paint } from './paint.ts'
import { terminalColumns, terminalRows } from './terminal-size.ts'

/** What is used of Vitest's own window, which has no public type. */
interface SummaryWindow {
  createSummary: () => string[]
  renderer?: { schedule?: () => void }
}

function windowOf(reporter: object): SummaryWindow | undefined {
  const summary = (reporter as { summary?: Partial<SummaryWindow> }).summary
  return typeof summary?.createSummary === 'function' ? (summary as SummaryWindow) : undefined
}

/** Live rows inside Vitest's own window: one writer to the terminal, so nothing can tear. */
export class LiveWindow {
  readonly #window: SummaryWindow

  private constructor(window: SummaryWindow) {
    this.#window = window
  }

  /** Adds the rows to the reporter's window; `undefined` where it has none, as off a terminal. */
  static attach(reporter: object, vitest: Vitest, live: LiveState, paint: Paint): LiveWindow | undefined {
    const window = windowOf(reporter)
    if (!window) return undefined
    const createSummary = window.createSummary.bind(window)
    window.createSummary = () => {
      const lines = createSummary()
      const height = terminalRows(vitest) - lines.length - 1
      const rows = renderLiveRows(live.running(), { width: terminalColumns(vitest), height, paint, now: Date.now() })
      return rows.length > 0 ? [...lines, ...rows, ''] : lines
    }
    return new LiveWindow(window)
  }

  /** Asks Vitest to draw soon. */
  update(): void {
    this.#window.renderer?.schedule?.()
  }
}
