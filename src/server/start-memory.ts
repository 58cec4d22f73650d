import { ServerStartError } from '../errors.ts'
import { keyOfOptions } from './options-key.ts'
import type { ServerOptions } from './server-options.ts'

/** Starts that failed for what another try does not change: the next one with the same options fails at once, with the same words. */
export class StartMemory {
  readonly #hopeless = new Map<string, ServerStartError>()

  /** @throws {ServerStartError} where a server of these options is known not to become healthy. */
  recall(options: ServerOptions): void {
    const known = this.#hopeless.get(keyOfOptions(options))
    if (known) throw new ServerStartError(known.message, { server: known.server, cause: known, isFinal: true })
  }

  note(options: ServerOptions, error: unknown): void {
    if (error instanceof ServerStartError && error.isFinal) this.#hopeless.set(keyOfOptions(options), error)
  }
}
