import process from 'node:process'
import type { LoadRequestMessage } from '../messages.ts'
import { LoadHost } from './load-host.ts'
import { realMachine } from './load-machine.ts'

// Entry of the load process: runs loads for one Vitest worker, and ends with it.

const host = new LoadHost(realMachine, (message) => {
  // The worker may exit at this moment. That is not an error: 'disconnect' follows.
  if (process.connected) process.send?.(message, () => {})
})

process.on('message', (message: LoadRequestMessage) => host.onMessage(message))
// The worker has exited or was killed: no load has a receiver any more.
process.on('disconnect', () => process.exit(0))
if (!process.connected) process.exit(0)
// A Ctrl-C on the terminal is for the worker, which then ends this process or aborts its loads in order.
process.on('SIGINT', () => {})
process.send?.({ type: 'ready' }, () => {})
