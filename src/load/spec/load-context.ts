import type { Lifetime } from '../../lifecycle/attempt.ts'
import type { TlsOptions } from '../../tls.ts'
import type { LoadResult } from '../../results/load-result.ts'
import type { LoadOptions } from '../plan/load-options.ts'
import type { LoadWorker } from './choose-engine.ts'
import type { LoadObserver } from './load-observer.ts'
import type { ResolveLoadContext } from '../plan/load-plan.ts'

export interface LoadedServer {
  readonly url: string
  /** Aborts when it dies. */
  readonly signal: AbortSignal
  /** How its certificate is checked. */
  readonly tls?: TlsOptions | undefined
}

/** What a load generator lives in. All of it is optional: `new LoadGenerator()` works anywhere. */
export interface LoadContext extends Omit<ResolveLoadContext, 'baseUrl' | 'tlsOf'> {
  /** Ends every load, and says how long they may take. */
  lifetime?: Lifetime
  /** The server under test, which paths are on. Throws the error of a start that failed. */
  server?: () => LoadedServer | undefined
  /** Starts the server under test. Called for a load on a path of it, if it is not started yet. */
  startServer?: () => Promise<void> | undefined
  /** More servers: the death of any of these, and of the one under test, ends the loads against it. */
  servers?: () => readonly LoadedServer[]
  observe?: LoadObserver
  /** Stands around every load: `run` is the load itself. */
  around?: (options: LoadOptions, run: () => Promise<LoadResult>) => Promise<LoadResult>
  /** Which repetition of a load on the same server this is, such as a step of a search: `user.unique()` gives other texts in each. */
  round?: string
  /** What generates the loads, in place of this worker's load processes. */
  worker?: LoadWorker
}
