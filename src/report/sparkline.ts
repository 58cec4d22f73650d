const LEVELS = '▁▂▃▄▅▆▇█'

/** The last `width` values, a character each; from zero, so that a steady rate is a steady line and not noise. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = width > 0 ? values.slice(-width) : []
  const top = Math.max(...shown, 0)
  return shown
    .map((value) => {
      const level = top > 0 ? Math.round((Math.max(0, value) / top) * (LEVELS.length - 1)) : 0
      return LEVELS[level] ?? LEVELS[0]
    })
    .join('')
}

/** A bar of `width` characters: how much is done, and how much is not. */
export function barParts(progress: number, width: number): { done: string; rest: string } {
  const clamped = Number.isFinite(progress) ? Math.min(1, Math.max(0, progress)) : 0
  const full = Math.round(clamped * width)
  return { done: '━'.repeat(full), rest: '─'.repeat(Math.max(0, width - full)) }
}
