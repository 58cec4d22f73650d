/** The first words of a failure on figures that are the machine's and not the server's; empty for a load that was not saturated. */
export function saturationLead(result: unknown): string {
  const { saturated, generator } = (result ?? {}) as { saturated?: unknown; generator?: { reason?: string } }
  if (saturated !== true) return ''
  return `Not judged: the machine was the limit${generator?.reason ? ` (${generator.reason})` : ''}. `
}
