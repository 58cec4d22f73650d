import { inLifetime } from '../lifecycle/attempt.ts'
import type { PerfServer } from '../server/perf-server.ts'
import type { TestAttempt } from './test-attempt.ts'

type Call = (...given: unknown[]) => Promise<unknown>

/** What must be awaited. `memory()` is not among it: our own observers ask for it while a load runs. */
const METHODS = ['restart', 'stop', 'health'] as const

/** Tells the attempt of every call of a server that must be awaited. A shared server is followed by the test that uses it now. */
export function followCalls(attempt: TestAttempt, server: PerfServer): void {
  for (const name of METHODS) {
    const value: Call = (...given) =>
      inLifetime(attempt, { name: `server.${name}()` }, plainCall(server, name)(...given))
    Object.defineProperty(server, name, { value, configurable: true, writable: true })
  }
}

/** Stops a server on behalf of its attempt. */
export async function stopOf(server: PerfServer): Promise<void> {
  await plainCall(server, 'stop')()
}

function plainCall(server: PerfServer, name: (typeof METHODS)[number]): Call {
  const method = (Object.getPrototypeOf(server) as PerfServer)[name] as Call
  return (...given) => method.apply(server, given)
}
