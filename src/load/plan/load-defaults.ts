/** Every default of a load's options. */
export const LOAD_DEFAULTS = {
  connections: 10,
  duration: 10_000,
  pipelining: 1,
  timeout: 10_000,
  method: 'GET',
  order: 'shared',
  protocol: 'http/1.1',
  processes: 1,
  engine: 'built-in',
  progressInterval: { longest: 1_000, shortest: 100, rows: 20 },
  virtualUsers: 10,
  seed: 1,
} as const
