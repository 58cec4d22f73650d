/** Styles a text for a terminal, or leaves it as it is. */
export interface Paint {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

/** With `colors` false, every style is the identity. */
export function createPaint(colors: boolean): Paint {
  const style = (open: number, close: number) => (text: string) =>
    colors && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    cyan: style(36, 39),
  }
}

/** Whether to use colours: `NO_COLOR` wins, then `FORCE_COLOR`, then what the output is. */
export function wantsColors(env: Record<string, string | undefined>, isTerminal: boolean): boolean {
  if (env['NO_COLOR'] || env['FORCE_COLOR'] === '0') return false
  if (env['FORCE_COLOR']) return true
  return (isTerminal && env['TERM'] !== 'dumb') || Boolean(env['CI'])
}
