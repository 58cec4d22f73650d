import type { LoadErrorKind } from '../../results/load-result.ts'

/** A request of a virtual user that got no answer. It is counted already: the iteration that it fails is no further error. */
export class RequestError extends Error {
  readonly kind: LoadErrorKind

  constructor(request: string, kind: LoadErrorKind, message: string) {
    super(`${request} failed: ${message}`)
    this.kind = kind
  }

  static {
    this.prototype.name = 'RequestError'
  }
}

/** What waits in a scenario when its load ends rejects with this. */
export class LoadEndedError extends Error {
  constructor(message = 'The load has ended') {
    super(message)
  }

  static {
    // The name that the platform gives to aborted work.
    this.prototype.name = 'AbortError'
  }
}
