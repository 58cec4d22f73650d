import type { Lifetime } from '../lifecycle/attempt.ts'
import type { LoadObserver } from './load-observer.ts'
import type { ResolveLoadContext } from './load-plan.ts'

/** What a load generator lives in. All of it is optional: `new LoadGenerator()` works anywhere. */
export interface LoadContext extends Omit<ResolveLoadContext, 'baseUrl'> {
  /** Ends every load, and says how long they may take. */
  lifetime?: Lifetime
  /** The server under test, where there is one: its death ends the load. */
  server?: () => { url: string; signal: AbortSignal } | undefined
  observe?: LoadObserver
}
