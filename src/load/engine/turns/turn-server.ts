import type { LoadErrorKind } from '../../../results/load-result.ts'
import type { CapturedAnswer } from '../../http/captured-answer.ts'
import type { Connection } from '../../http/connection.ts'
import { ConnectionPool } from '../../http/connection-pool.ts'
import { encodeRequest, type OutgoingRequest } from '../../http/outgoing-request.ts'
import { targetOf } from '../../http/target.ts'
import type { LoadPlan } from '../../plan/load-plan.ts'
import type { SeenAnswer } from '../../plan/turns-plan.ts'
import type { Clock } from '../../../lifecycle/clock.ts'
import type { LoadMachine } from '../load-machine.ts'

/** A request that failed, and the block with it. */
export interface TurnFailure {
  readonly kind: LoadErrorKind
  readonly message: string
}

interface TurnRequest extends OutgoingRequest {
  readonly name: string
  readonly expectStatus: readonly [from: number, to: number] | undefined
}

/** The turn under way. */
interface RunningTurn {
  readonly wanted: number
  readonly startedAt: number
  sent: number
  answered: number
  take(): TurnRequest
  onAnswer(latency: number, status: number, answer: CapturedAnswer | undefined): void
  /** Its last request was answered, so many milliseconds after it began. */
  onEnd(time: number): void
}

/** How often each request is asked for by itself. */
const LOOKS = 3
/** Requests of a list that are looked at. */
const MOST_LOOKED_AT = 50

/** One of the two servers: its connections, which stay open between turns, and the turn under way. */
export class TurnServer {
  /** Of all turns. */
  readonly statusCodes: Record<string, number> = {}
  readonly #clock: Clock
  readonly #pool: ConnectionPool<TurnRequest>
  readonly #connections: number
  readonly #requests: readonly TurnRequest[]
  readonly #onFailure: (failure: TurnFailure) => void
  #next = 0
  #turn: RunningTurn | undefined
  #onOpen: (() => void) | undefined

  constructor(
    plan: LoadPlan,
    connections: number,
    { clock, wire }: Pick<LoadMachine, 'clock' | 'wire'>,
    onFailure: (failure: TurnFailure) => void,
  ) {
    this.#clock = clock
    this.#connections = connections
    this.#onFailure = onFailure
    this.#requests = plan.requests.map((request) => ({
      bytes: encodeRequest(request),
      isHead: request.method === 'HEAD',
      name: `${request.method} ${request.path}`,
      expectStatus: request.expectStatus,
    }))
    this.#pool = new ConnectionPool<TurnRequest>(
      { target: targetOf(plan), clock, wire },
      {
        onReady: (connection) => this.#onReady(connection),
        onAnswer: (_connection, status, since, request, answer) => this.#onAnswer(status, since, request, answer),
        onFailure: (kind, message, _since, { name }) => onFailure({ kind, message: `${name}: ${message}` }),
        onWithdrawn: () => {
          if (this.#turn) this.#turn.sent -= 1
        },
        onConnectFailure: (_connection, { kind, message }) => onFailure({ kind, message }),
        onBytes: () => {},
      },
    )
  }

  /** Resolves when all connections are open. A connection that cannot be opened is a failure. */
  open(): Promise<void> {
    return new Promise((resolve) => {
      this.#onOpen = resolve
      this.#pool.resize(this.#connections)
    })
  }

  /** To be called every few milliseconds: time-outs, and connections that wait to be opened. */
  sweep(now: number): void {
    this.#pool.sweep(now)
  }

  close(): void {
    this.#turn = undefined
    this.#pool.close()
  }

  /**
   * Sends so many requests as the closed model does, and waits for the last answer. `latencies` is filled from its start.
   * Resolves with the milliseconds that the turn took; never resolves where a request fails.
   */
  run(wanted: number, latencies: Float64Array): Promise<number> {
    const take = () => {
      const request = this.#requests[this.#next] as TurnRequest
      this.#next = this.#next + 1 === this.#requests.length ? 0 : this.#next + 1
      return request
    }
    let place = 0
    return this.#begin(wanted, take, (latency) => {
      latencies[place] = latency
      place += 1
    })
  }

  /** Asks for each request by itself, several times, and notes status and size of what comes. */
  async look(): Promise<SeenAnswer[]> {
    const seen: SeenAnswer[] = []
    for (const listed of this.#requests.slice(0, MOST_LOOKED_AT)) {
      const request = { ...listed, needsBody: true }
      const [statuses, sizes]: [number[], number[]] = [[], []]
      for (let look = 0; look < LOOKS; look += 1) {
        await this.#begin(
          1,
          () => request,
          (_latency, status, answer) => {
            statuses.push(status)
            sizes.push(answer?.body.length ?? 0)
          },
        )
      }
      seen.push({ request: request.name, statuses, sizes })
    }
    return seen
  }

  #begin(wanted: number, take: RunningTurn['take'], onAnswer: RunningTurn['onAnswer']): Promise<number> {
    return new Promise((onEnd) => {
      this.#turn = { wanted, startedAt: this.#clock.now(), sent: 0, answered: 0, take, onAnswer, onEnd }
      for (const connection of this.#pool.ready()) this.#offer(connection, this.#turn)
    })
  }

  #onReady(connection: Connection<TurnRequest>): void {
    if (this.#turn) this.#offer(connection, this.#turn)
    if (!this.#onOpen || !this.#pool.allOpen) return
    this.#onOpen()
    this.#onOpen = undefined
  }

  #offer(connection: Connection<TurnRequest>, turn: RunningTurn): void {
    connection.together(() => {
      while (connection.ready && turn.sent < turn.wanted) {
        const now = this.#clock.now()
        turn.sent += 1
        connection.send(turn.take(), Math.max(turn.startedAt, connection.waitingSince(now)), now)
      }
    })
  }

  #onAnswer(status: number, since: number, request: TurnRequest, answer: CapturedAnswer | undefined): void {
    const turn = this.#turn
    if (!turn) return
    this.statusCodes[status] = (this.statusCodes[status] ?? 0) + 1
    const [from, to] = request.expectStatus ?? [100, 399]
    if (status < from || status > to) {
      const answered = `${request.name} answered ${status}`
      this.#onFailure(
        request.expectStatus
          ? { kind: 'mismatch', message: `${answered}, expected ${from === to ? from : `${from} to ${to}`}` }
          : { kind: 'status', message: answered },
      )
      return
    }
    const now = this.#clock.now()
    turn.answered += 1
    turn.onAnswer(now - since, status, answer)
    if (turn.answered < turn.wanted) return
    this.#turn = undefined
    turn.onEnd(now - turn.startedAt)
  }
}
