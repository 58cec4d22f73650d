type Http = typeof import('node:http')
type AddRequest = (this: unknown, request: object, ...rest: unknown[]) => void

const [MAJOR = 0, MINOR = 0] = process.versions.node.split('.').map(Number)

/** Whether Node publishes `http.client.request.created` on the caller's stack. */
export const PUBLISHES_CREATED = MAJOR > 22 || (MAJOR === 22 && MINOR >= 12)

/**
 * Sees requests of `node:http` on their caller's stack, on a Node that publishes them only when their socket is there. Until it is
 * closed, `addRequest` of Node's agents has a function in front of it.
 */
export class CreatedRequests {
  readonly #onCreated: (request: object) => void
  #restore: () => void = () => {}

  constructor(onCreated: (request: object) => void) {
    this.#onCreated = onCreated
  }

  start(): void {
    const { Agent } = process.getBuiltinModule('node:http') as Http
    const prototype = Agent.prototype as unknown as { addRequest?: AddRequest }
    const { addRequest } = prototype
    if (!addRequest) return
    const note = (request: object): void => this.#onCreated(request)
    let isOpen = true
    function noted(this: unknown, request: object, ...rest: unknown[]): void {
      if (isOpen) note(request)
      addRequest?.call(this, request, ...rest)
    }
    prototype.addRequest = noted
    this.#restore = () => {
      isOpen = false
      // Somebody else may have put another function in front since.
      if (prototype.addRequest === noted) prototype.addRequest = addRequest
    }
  }

  /** Idempotent. */
  close(): void {
    this.#restore()
  }
}
