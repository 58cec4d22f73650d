import process from 'node:process'

/**
 * Sends a signal: `process.kill`, taken before a test can fake it to see what its own code ends. The setup file imports this
 * module; the worker's code sends signals by nothing else.
 */
export const kill: typeof process.kill = process.kill.bind(process)
