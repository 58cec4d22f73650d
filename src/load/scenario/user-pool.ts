import { LoadEndedError, RequestError } from './request-error.ts'
import type { ScenarioModule } from './scenario-module.ts'
import { ScenarioUser } from './scenario-user.ts'
import type { UserHost } from './user-host.ts'

/** Users whose `start` runs at a time: more would overflow the queue of a server that listens with the usual backlog. */
const MOST_STARTING = 100
/**
 * Milliseconds that a user waits after an iteration that could not reach the server, did nothing, or awaited none of its requests; it
 * doubles with each in a row.
 */
const FIRST_PAUSE = 10
const LAST_PAUSE = 250
/** No answer, and not for want of time: to try again at once would be a busy loop. */
const UNREACHABLE = new Set(['refused', 'dns', 'tls', 'reset', 'other'])

/** An iteration that has come to its end. */
export interface EndedIteration {
  /** The function that ran. */
  readonly name: string
  /** On the monotonic clock: when it began, or was due. */
  readonly startedAt: number
  /** Requests it sent. */
  readonly sent: number
  /** It ended before anything came of them. */
  readonly hasLeftRequests: boolean
  /** What it threw. */
  readonly failure: { readonly error: unknown } | undefined
}

export interface UserPoolEvents {
  /** The user can begin an iteration. */
  onFree(user: ScenarioUser): void
  onIteration(user: ScenarioUser, ended: EndedIteration): void
  /** `start` or `stop` of a user threw. */
  onHookFailed(hook: 'start' | 'stop', user: ScenarioUser, error: unknown): void
}

/** The virtual users of a load: how many there are, what they run, and that all of it ends. */
export class UserPool {
  readonly #module: ScenarioModule
  readonly #host: UserHost
  readonly #share: { readonly first: number; readonly step: number }
  readonly #events: UserPoolEvents
  #users: ScenarioUser[] = []
  /** All that were ever made and have not been ended. */
  readonly #alive = new Set<ScenarioUser>()
  readonly #unstarted: ScenarioUser[] = []
  #starting = 0
  #made = 0
  /** Calls of functions of the scenario that have not settled. */
  #calls = 0
  /** Waits until there are none. */
  #onSettled: (() => void) | undefined
  readonly #failuresInARow = new WeakMap<ScenarioUser, number>()
  #ended = false

  constructor(
    module: ScenarioModule,
    host: UserHost,
    share: { readonly first: number; readonly step: number },
    events: UserPoolEvents,
  ) {
    this.#module = module
    this.#host = host
    this.#share = share
    this.#events = events
  }

  /** Whether every user that is wanted has run its `start`. */
  get allStarted(): boolean {
    return this.#starting === 0 && this.#unstarted.length === 0
  }

  get size(): number {
    return this.#users.length
  }

  /** Makes users, or lets the youngest go: they end with their iteration. */
  resize(wanted: number): void {
    if (this.#ended) return
    while (this.#users.length < wanted) {
      const user = new ScenarioUser(this.#share.first + this.#made * this.#share.step, this.#host)
      this.#made += 1
      this.#users.push(user)
      this.#alive.add(user)
      this.#unstarted.push(user)
    }
    for (const user of this.#users.splice(wanted)) {
      user.retired = true
      if (user.idle) this.#track(this.#leave(user))
    }
    this.#startMore()
  }

  #startMore(): void {
    while (this.#starting < MOST_STARTING && this.#unstarted.length > 0) {
      const user = this.#unstarted.shift() as ScenarioUser
      if (user.retired) {
        this.#dismiss(user)
        continue
      }
      this.#starting += 1
      this.#track(this.#start(user))
    }
  }

  async #start(user: ScenarioUser): Promise<void> {
    try {
      await this.#module.start?.(user as never)
    } catch (error) {
      if (!this.#ended) this.#events.onHookFailed('start', user, error)
      return
    }
    this.#starting -= 1
    user.rest()
    if (this.#ended) return
    this.#startMore()
    this.#free(user)
  }

  #free(user: ScenarioUser): void {
    if (user.retired) return this.#track(this.#leave(user))
    user.idle = true
    this.#events.onFree(user)
  }

  /** Runs an iteration; its first request counts from `due`, if given. */
  run(user: ScenarioUser, due?: number): void {
    user.idle = false
    this.#track(this.#iterate(user, due))
  }

  async #iterate(user: ScenarioUser, due: number | undefined): Promise<void> {
    const name = user.begin(this.#module.mix, due)
    const startedAt = due ?? this.#host.clock.now()
    let failure: EndedIteration['failure']
    try {
      await this.#module.functions.get(name)?.(user as never)
    } catch (error) {
      failure = { error }
    }
    if (this.#ended) return
    const sent = user.rest()
    const { hasLeftRequests } = user
    this.#events.onIteration(user, { name, startedAt, sent, hasLeftRequests, failure })
    const pause = this.#pauseAfter(user, sent === 0 || hasLeftRequests, failure)
    if (pause === 0) return this.#free(user)
    this.#host.clock.after(pause, () => {
      if (!this.#ended) this.#free(user)
    })
  }

  #pauseAfter(user: ScenarioUser, awaitedNothing: boolean, failure: EndedIteration['failure']): number {
    const { error } = failure ?? {}
    const idle = awaitedNothing || (error instanceof RequestError && UNREACHABLE.has(error.kind))
    const count = idle ? (this.#failuresInARow.get(user) ?? 0) + 1 : 0
    if (count > 0 || this.#failuresInARow.has(user)) this.#failuresInARow.set(user, count)
    return idle ? Math.min(LAST_PAUSE, FIRST_PAUSE * 2 ** (count - 1)) : 0
  }

  /** A user that is no longer wanted. */
  async #leave(user: ScenarioUser): Promise<void> {
    await this.#stop(user)
    this.#dismiss(user)
  }

  async #stop(user: ScenarioUser): Promise<void> {
    if (!this.#module.stop) return
    user.letStop()
    try {
      await this.#module.stop(user as never)
    } catch (error) {
      this.#events.onHookFailed('stop', user, error)
    }
  }

  #dismiss(user: ScenarioUser): void {
    user.end()
    this.#alive.delete(user)
  }

  /** `call` does not reject. */
  #track(call: Promise<void>): void {
    this.#calls += 1
    void call.then(this.#onReturn)
  }

  readonly #onReturn = (): void => {
    this.#calls -= 1
    if (this.#calls === 0) this.#onSettled?.()
  }

  /** Ends what every user does. Idempotent. */
  end(): void {
    this.#ended = true
    for (const user of this.#alive) user.end()
  }

  /** Runs `stop` for every user that has started, for so many milliseconds at the most. For users that have been ended and have settled. */
  async stopAll(limit: number): Promise<void> {
    if (!this.#module.stop) return
    const started = [...this.#alive].filter((user) => !this.#unstarted.includes(user))
    for (const user of started) this.#track(this.#stop(user))
    await this.settles(limit)
    for (const user of started) user.end(new LoadEndedError(`it did not end within ${limit} ms`))
  }

  /** Whether everything that the scenario was called for has returned within so many milliseconds. */
  async settles(limit: number): Promise<boolean> {
    if (this.#calls === 0) return true
    await new Promise<void>((resolve) => {
      const cancel = this.#host.clock.after(limit, resolve)
      this.#onSettled = () => {
        cancel()
        resolve()
      }
    })
    return this.#calls === 0
  }
}
