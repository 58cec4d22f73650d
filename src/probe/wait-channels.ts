import { URL } from 'node:url'
import type { WaitKind } from '../results/profile-result.ts'
import { commandShape, httpShape, remembered, statementShape } from './wait-shape.ts'

/** What a channel's message says of a call. */
export interface WaitCall {
  readonly kind: WaitKind
  readonly what: string
  /** Port of the other side: a socket to it is no wait of its own. */
  readonly port?: number | undefined
}

/** A library that tells of its calls through channels of its own for begin, end and failure. */
export interface CallChannels {
  /** Published on the caller's stack, where `start` is not; from Node 22.12 on. */
  readonly created?: string
  readonly start: string
  readonly end: string
  readonly error: string
  /** The object that all three messages have in common. */
  readonly subject: (message: never) => object
  readonly describe: (message: never) => WaitCall
}

/** A library that publishes a `TracingChannel`: `tracing:NAME:start`, `:asyncStart` (settled) and `:error`. */
export interface TracedCall {
  readonly name: string
  /** The first release that publishes it. */
  readonly since: string
  readonly describe: (context: never) => WaitCall
}

interface UndiciMessage {
  readonly request: { readonly origin?: string | URL; readonly method?: string; readonly path?: string }
}

interface ClientMessage {
  readonly request: {
    readonly method?: string
    readonly path?: string
    readonly host?: string
    readonly protocol?: string
    getHeader?(name: string): unknown
  }
}

interface Served {
  readonly serverAddress?: string
  /** As the user wrote it. */
  readonly serverPort?: number | string
  readonly server?: string
}

function serverPort({ serverPort }: Served): number | undefined {
  return serverPort === undefined ? undefined : Number(serverPort)
}

/** 0 where it is no URL: no socket has that port. */
const portOf = remembered((origin: string): number => {
  if (!URL.canParse(origin)) return 0
  const { port, protocol } = new URL(origin)
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
})

/** Calls over HTTP. `fetch` of Node is undici. */
export const CALL_CHANNELS: readonly CallChannels[] = [
  {
    start: 'undici:request:create',
    end: 'undici:request:trailers',
    error: 'undici:request:error',
    subject: ({ request }: UndiciMessage) => request,
    describe: ({ request: { origin = '', method = 'GET', path = '/' } }: UndiciMessage) => ({
      kind: 'http',
      what: httpShape(method, String(origin), path),
      port: portOf(String(origin)),
    }),
  },
  {
    created: 'http.client.request.created',
    start: 'http.client.request.start',
    end: 'http.client.response.finish',
    error: 'http.client.request.error',
    subject: ({ request }: ClientMessage) => request,
    describe: ({ request }: ClientMessage) => {
      const host = request.getHeader?.('host')
      const origin = `${request.protocol ?? 'http:'}//${typeof host === 'string' ? host : (request.host ?? '')}`
      return {
        kind: 'http',
        what: httpShape(request.method ?? 'GET', origin, request.path ?? '/'),
        port: portOf(origin),
      }
    },
  },
]

const statement =
  (kind: WaitKind) =>
  (context: Served & { readonly query?: unknown; readonly sql?: unknown }): WaitCall => {
    const text = context.query ?? context.sql
    const sql =
      typeof text === 'string'
        ? text
        : ((text as { sql?: string; text?: string } | undefined)?.sql ?? (text as { text?: string } | undefined)?.text)
    return { kind, what: statementShape(sql ?? 'a statement'), port: serverPort(context) }
  }

const command = (context: Served & { readonly command?: string; readonly args?: readonly unknown[] }): WaitCall => {
  // node-redis has the command's name as its first argument.
  const [name, ...rest] =
    context.command === undefined ? (context.args ?? []) : [context.command, ...(context.args ?? [])]
  const key = rest[0] === name ? rest[1] : rest[0]
  return { kind: 'cache', what: commandShape(String(name ?? 'command'), key), port: serverPort(context) }
}

const connection =
  (kind: WaitKind, what: (place: string) => string) =>
  (context: Served): WaitCall => ({
    kind,
    what: what(
      context.serverPort === undefined
        ? (context.serverAddress ?? 'a server')
        : `${context.serverAddress ?? ''}:${context.serverPort}`,
    ),
    port: serverPort(context),
  })

const connect = connection('connect', (place) => `connect to ${place}`)

/**
 * The libraries whose `TracingChannel`s tell of calls out of the server (as of 2026; e18e/ecosystem-issues#255 keeps the list).
 * fastify, h3 and srvx publish their handlers, which are no calls out. pg, mongodb, knex and prisma publish nothing yet: their
 * sockets are timed, and `pg:query` is used as soon as it is there.
 */
export const TRACED_CALLS: readonly TracedCall[] = [
  { name: 'mysql2:query', since: '3.20', describe: statement('database') },
  { name: 'mysql2:execute', since: '3.20', describe: statement('database') },
  { name: 'mysql2:connect', since: '3.20', describe: connect },
  {
    name: 'mysql2:pool:connect',
    since: '3.20',
    describe: connection('pool', (place) => `a connection of the pool to ${place}`),
  },
  { name: 'ioredis:command', since: '5.11', describe: command },
  {
    name: 'ioredis:batch',
    since: '5.11',
    describe: (context: Served) => ({ kind: 'cache', what: 'a batch of commands', port: serverPort(context) }),
  },
  { name: 'ioredis:connect', since: '5.11', describe: connect },
  { name: 'node-redis:command', since: '5.12', describe: command },
  {
    name: 'node-redis:batch',
    since: '5.12',
    describe: (context: Served) => ({ kind: 'cache', what: 'a batch of commands', port: serverPort(context) }),
  },
  { name: 'node-redis:connect', since: '5.12', describe: connect },
  { name: 'mssql:query', since: '12.3', describe: statement('database') },
  { name: 'pg:query', since: 'not yet (brianc/node-postgres#3650)', describe: statement('database') },
  {
    name: 'unstorage.get',
    since: '2.0',
    describe: ({ keys = [] }: { readonly keys?: readonly string[] }) => ({
      kind: 'storage',
      what: commandShape('get', keys[0]),
    }),
  },
]
