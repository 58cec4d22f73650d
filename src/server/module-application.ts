import { createServer, Server, type RequestListener } from 'node:http'
import { fetchListener, type FetchHandler } from './fetch-listener.ts'

/** What the default export of a `module` may be asked to do. */
export interface ModuleContext {
  readonly port: number
  readonly host: string
  /** Aborts when the server has to end. */
  readonly signal: AbortSignal
}

/** A running application: what ends it, where anything is known that does. */
export interface RunningApplication {
  close?: () => unknown
}

interface Application {
  listen?: unknown
  callback?: unknown
  fetch?: unknown
  ready?: unknown
  close?: unknown
  listening?: unknown
}

export const MODULE_KINDS =
  'a request listener (req, res), an http.Server, an application of Express, Fastify or Koa, an object with `fetch`, ' +
  'or a function ({ port, host, signal }) that starts a server'

function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function'
}

function listen(server: Server, { port, host }: ModuleContext): Promise<RunningApplication> {
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeIdleConnections?.()
    })
  if (server.listening) return Promise.resolve({ close })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve({ close }))
  })
}

/** A start function takes at most its context; listeners, also those of frameworks, take `(req, res)` at least. */
function isRequestListener(value: unknown): value is RequestListener {
  return isFunction(value) && value.length >= 2
}

function hasListen(value: unknown): value is Application {
  return value !== null && (typeof value === 'object' || isFunction(value)) && isFunction((value as Application).listen)
}

/** Runs something that is no start function; `undefined` where it is of no kind we know. */
async function runApplication(value: unknown, context: ModuleContext): Promise<RunningApplication | undefined> {
  if (value === null || (typeof value !== 'object' && !isFunction(value))) return undefined
  const application = value as Application
  if (value instanceof Server || (hasListen(value) && typeof application.listening === 'boolean')) {
    return listen(value as Server, context)
  }
  // Fastify's `listen` takes an object; `ready` and `inject` are what tells it from others.
  if (hasListen(value) && isFunction(application.ready)) {
    const { port, host } = context
    await (value as { listen(options: object): Promise<unknown> }).listen({ port, host })
    return isFunction(application.close) ? { close: () => (value as { close(): unknown }).close() } : {}
  }
  if (hasListen(value) && isFunction(application.callback)) {
    return listen(createServer(application.callback.call(value) as RequestListener), context)
  }
  if (isRequestListener(value)) return listen(createServer(value), context)
  if (isFunction(application.fetch)) {
    const handler: FetchHandler = (request) => (value as { fetch: FetchHandler }).fetch(request)
    return listen(createServer(fetchListener(handler, context)), context)
  }
  if (hasListen(value)) {
    const { port, host } = context
    const result = (value as { listen(port: number, host: string): unknown }).listen(port, host)
    return isFunction(application.close) ? { close: () => (value as { close(): unknown }).close() } : (result as object)
  }
  return undefined
}

/** Whether a Fastify instance (or the like) already listens, because the function that made it started it. */
function alreadyListens(value: unknown): boolean {
  const server = (value as { server?: { listening?: unknown } } | null | undefined)?.server
  return server?.listening === true || (value as { listening?: unknown } | null | undefined)?.listening === true
}

function closerOf(value: unknown): RunningApplication {
  const close = (value as Application | null | undefined)?.close
  return isFunction(close) ? { close: () => (value as { close(): unknown }).close() } : {}
}

/** Runs the default export of a `module`, whatever kind of the contract it is. */
export async function startApplication(value: unknown, context: ModuleContext): Promise<RunningApplication> {
  if (
    !isRequestListener(value) &&
    isFunction(value) &&
    !hasListen(value) &&
    !isFunction((value as Application).fetch)
  ) {
    const made: unknown = await value(context)
    if (alreadyListens(made)) return closerOf(made)
    const looksReady = made === undefined || (!hasListen(made) && !isFunction(made) && !('fetch' in Object(made)))
    return looksReady ? closerOf(made) : ((await runApplication(made, context)) ?? closerOf(made))
  }
  const running = await runApplication(value, context)
  if (running) return running
  const what = value === undefined ? 'nothing' : value === null ? 'null' : `a value of type ${typeof value}`
  throw new TypeError(`Expected its default export to be ${MODULE_KINDS}; it exports ${what} as default`)
}
