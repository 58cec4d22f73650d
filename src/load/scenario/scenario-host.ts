import { URL } from 'node:url'
import type { Failure } from '../http/failure.ts'
import type { LoadHeaders } from '../plan/load-options.ts'
import type { LoadPlan } from '../plan/load-plan.ts'
import type { PlannedScenario } from '../plan/scenario-plan.ts'
import type { Exchange, Transport, TransportEvents } from './exchange.ts'
import { Http1Transport } from './http1-transport.ts'
import { Http2Transport } from './http2-transport.ts'
import { originOf, type Origin } from './origin.ts'
import { encodePath } from './request-head.ts'
import { Roster } from './roster.ts'
import type { ResolvedUrl } from './user-client.ts'
import type { UserBook, UserHost } from './user-host.ts'
import type { Clock } from '../../lifecycle/clock.ts'
import type { Wire } from '../http/wire.ts'

/** Paths that are remembered with their URL. */
const MOST_KNOWN = 1_000

export interface ScenarioHostEvents {
  book(): UserBook | undefined
  onBytes(count: number): void
  onOpened(): void
  onConnectFailure(failure: Failure): void
}

/** What all virtual users of a load share: its server, its data, and which requests are under way. */
export class ScenarioHost implements UserHost {
  readonly clock: Clock
  readonly root: string
  readonly seed: number
  readonly round: string
  readonly data: unknown
  readonly timeout: number
  readonly headers: LoadHeaders
  readonly expectStatus: readonly [number, number] | undefined
  readonly book: () => UserBook | undefined
  readonly underWay = new Roster<Exchange>()
  /** Connections that are open. */
  open = 0
  readonly #plan: LoadPlan
  readonly #wire: Wire
  readonly #share: PlannedScenario['share']
  readonly transportEvents: TransportEvents
  readonly #origins = new Map<string, Origin>()
  readonly #own: Origin
  /** What paths are put behind, without a trailing slash. */
  readonly #prefix: string
  readonly #known = new Map<string, ResolvedUrl>()
  readonly #taken = new Map<string, number>()

  constructor(
    plan: LoadPlan,
    scenario: PlannedScenario,
    { clock, wire }: { readonly clock: Clock; readonly wire: Wire },
    events: ScenarioHostEvents,
  ) {
    const url = new URL(plan.url)
    this.clock = clock
    this.#wire = wire
    this.#plan = plan
    this.root = scenario.root
    this.seed = scenario.seed
    this.round = scenario.round === undefined ? '' : `-${scenario.round}`
    this.data = scenario.data
    this.timeout = plan.timeout
    this.headers = scenario.headers
    this.expectStatus = scenario.expectStatus
    this.book = events.book
    this.#share = scenario.share
    this.#own = this.originOf(url)
    this.#prefix = url.pathname.replace(/\/+$/, '')
    this.transportEvents = {
      onBytes: events.onBytes,
      onOpened: () => {
        this.open += 1
        events.onOpened()
      },
      onClosed: () => {
        this.open -= 1
      },
      onConnectFailure: events.onConnectFailure,
    }
  }

  originOf(url: URL): Origin {
    const known = this.#origins.get(url.origin)
    if (known) return known
    const origin = originOf(url, this.#plan.tls, this.timeout, this.#wire)
    this.#origins.set(url.origin, origin)
    return origin
  }

  resolve(path: string): ResolvedUrl {
    const known = this.#known.get(path)
    if (known) return known
    const resolved = this.#resolve(path)
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    this.#known.set(path, resolved)
    return resolved
  }

  #resolve(path: string): ResolvedUrl {
    if (typeof path === 'string' && path.startsWith('/') && !path.startsWith('//')) {
      return { origin: this.#own, path: `${this.#prefix}${encodePath(path)}` }
    }
    if (typeof path === 'string' && /^https?:\/\//i.test(path) && URL.canParse(path)) {
      const url = new URL(path)
      return { origin: this.originOf(url), path: `${url.pathname}${url.search}` }
    }
    throw new TypeError(`A request takes a path that begins with one /, or a URL of http or https, and got ${path}`)
  }

  take(name: string): unknown {
    const list = (this.data as Readonly<Record<string, unknown>> | undefined | null)?.[name]
    if (!Array.isArray(list))
      throw new TypeError(`user.take(${JSON.stringify(name)}): the load's \`data\` has no list of that name`)
    const index = this.#taken.get(name) ?? this.#share.first
    if (index >= list.length) {
      throw new Error(`user.take(${JSON.stringify(name)}): all ${list.length} elements are taken`)
    }
    this.#taken.set(name, index + this.#share.step)
    return list[index] as unknown
  }

  createTransport(origin: Origin): Transport {
    const { protocol } = this.#plan
    return protocol === 'h2'
      ? new Http2Transport(origin, this.transportEvents, this.clock)
      : new Http1Transport(origin, this.transportEvents, this.clock)
  }

  /** Fails what has had no answer in time. */
  sweep(now: number): void {
    for (const exchange of this.underWay) {
      if (now - exchange.sentAt < exchange.timeout) continue
      exchange.carrier?.cancel(exchange)
      exchange.failed({ kind: 'timeout', message: `no answer within ${exchange.timeout} ms` })
    }
  }

  /** Forgets what was under way. */
  close(): void {
    this.underWay.clear()
  }
}
