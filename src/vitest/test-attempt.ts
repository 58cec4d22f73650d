import { expect, type TestContext } from 'vitest'
import type { FollowedCall, Lifetime } from '../lifecycle/attempt.ts'
import type { ThresholdOutcome } from '../results/threshold.ts'
import type { PerfServer } from '../server/perf-server.ts'
import { ArtifactRecorder } from './artifact-recorder.ts'
import { calledTooLate, PendingCalls } from './pending-calls.ts'
import { testPage } from './test-page.ts'
import { swallow } from '../lifecycle/debug.ts'
import { clearTimeout, readClock, setTimeout } from '../lifecycle/real-timers.ts'

type Task = TestContext['task']

/** The parts of Vitest's test context that an attempt is made from. */
export type AttemptContext = Pick<TestContext, 'task' | 'signal' | 'onTestFinished' | 'annotate'>

type Close = () => Promise<void>

type TestServer =
  | { readonly kind: 'none' }
  | { readonly kind: 'started'; readonly server: PerfServer }
  /** `isStandIn`: another attempt may follow, and this one goes on with fixtures that throw the error. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly isStandIn: boolean }

/** Where an attempt is: only its body spends the test's time. Around and behind it are the halves of `test.aroundEach`. */
type Phase = 'around' | 'hook' | 'body' | 'behind'

/** The hooks state that Vitest keeps while it runs a test, which its public types leave out on one major. */
function isInside(hook: 'beforeEach' | 'afterEach', task: Task): boolean {
  return task.result?.hooks?.[hook] === 'run'
}

/**
 * One attempt of one test: all that its fixtures started hangs on it and ends with it. Vitest 4 gives a retry the signal
 * that the attempt before has aborted; such a signal is left alone, and the attempt then ends by its own timer.
 */
export class TestAttempt implements Lifetime {
  readonly task: Task
  readonly signal: AbortSignal
  readonly timeout: number
  readonly recorder: ArtifactRecorder
  /** Looks into its loads that failed, once its body has ended. */
  profiler:
    | { noteFailure(result: object, outcomes: readonly ThresholdOutcome[]): void; explainFailures(): Promise<void> }
    | undefined
  /** All servers that it uses. */
  readonly servers: PerfServer[] = []

  /** Starts the test's server for a load on a path of it, in a test that does not name `server`. */
  startOwnServer: (() => Promise<void>) | undefined

  readonly #controller = new AbortController()
  #server: TestServer = { kind: 'none' }
  readonly #closers: Close[] = []
  readonly #pending = new PendingCalls()
  readonly #inheritsDeadSignal: boolean
  #startedAt = readClock()
  #phase: Phase
  /** Calls that hooks around the test wait for while its body runs. */
  #beforeBody: ReadonlySet<Promise<unknown>> = new Set()
  /** Errors of calls that the body has left behind. */
  #ofBody: readonly unknown[] = []
  #closing: Promise<void> | undefined
  /** Its body ended in time and without an error. */
  #passed = false
  #timer: NodeJS.Timeout | undefined
  #disconnect: () => void = () => {}
  readonly #onEnd: (attempt: TestAttempt) => void

  /** `onEnd` is called once, as it begins to end. */
  constructor(
    context: AttemptContext,
    { isAround, onEnd }: { isAround: boolean; onEnd: (attempt: TestAttempt) => void },
  ) {
    this.#phase = isAround ? 'around' : isInside('beforeEach', context.task) ? 'hook' : 'body'
    this.#onEnd = onEnd
    this.task = context.task
    this.signal = this.#controller.signal
    this.timeout = context.task.timeout
    this.recorder = new ArtifactRecorder(context)
    this.#inheritsDeadSignal = context.signal.aborted
    if (this.#inheritsDeadSignal) this.#followOwnTimer()
    else this.#followSignal(context.signal)
  }

  /** When the test's timeout expires. What is done in `beforeEach` and `afterEach` spends the hook's time, not the test's. */
  get deadline(): number {
    if (this.#phase === 'hook' && !isInside('beforeEach', this.task)) {
      this.#phase = 'body'
      this.#startedAt = readClock()
    }
    const inBody = this.#phase === 'body' && !isInside('afterEach', this.task)
    const hasLimit = Number.isFinite(this.timeout) && this.timeout > 0 && inBody
    return hasLimit ? this.#startedAt + this.timeout : Infinity
  }

  /**
   * The server of this test, once its fixture has started it. Whatever stands on a server that could not be started gets the
   * error of that start, and never another target.
   */
  get server(): PerfServer | undefined {
    if (this.#server.kind === 'failed') throw this.#server.error
    return this.startedServer
  }

  /** The same for observers, which must not fail. */
  get startedServer(): PerfServer | undefined {
    return this.#server.kind === 'started' ? this.#server.server : undefined
  }

  /** Its server could not be started, and another attempt may follow. */
  get hasFailedStart(): boolean {
    return this.#server.kind === 'failed' && this.#server.isStandIn
  }

  setServer(server: Exclude<TestServer, { kind: 'none' }>): void {
    this.#server = server
  }

  follow(call: FollowedCall, work: Promise<unknown>): Error | undefined {
    if (this.#closing) return this.#passed ? calledTooLate(call) : undefined
    this.#pending.add(call, work)
    return undefined
  }

  /** Has `close` run when the attempt ends, before what was registered earlier. Closers must be idempotent. */
  onClose(close: Close): void {
    if (this.#closing) void close()
    else this.#closers.push(close)
  }

  /** The body of the test begins, behind the first half of a hook around it. */
  beginBody(): void {
    this.#phase = 'body'
    this.#startedAt = readClock()
    this.#beforeBody = this.#pending.calls()
    if (this.#inheritsDeadSignal) this.#followOwnTimer()
  }

  /** Vitest says that the test has finished; `isKept` if a hook around it has not returned. */
  async finish(isKept: boolean): Promise<void> {
    // Now, since a call may settle while the attempt ends; and without what the hook itself waits for.
    const hasPassed = this.task.result?.state === 'pass' && !this.signal.aborted
    if (hasPassed) this.#ofBody = this.#pending.errors(this.#beforeBody)
    if (!isKept) return this.close()
    this.#phase = 'behind'
    clearTimeout(this.#timer)
  }

  /** Aborts what still runs: the body of the test is over, and its clean-up has begun. */
  end(): void {
    this.#controller.abort(new Error('The test is over'))
  }

  /** Ends all that the attempt started. Later calls wait for the same end, and only the first rejects. */
  close(): Promise<void> {
    if (this.#closing) return this.#closing.catch(() => {})
    this.#onEnd(this)
    this.#closing = this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#disconnect()
    // A body that failed or timed out had no chance to await the rest.
    this.#passed = this.task.result?.state === 'pass' && !this.signal.aborted
    const errors = [...new Set<unknown>([...this.#ofBody, ...(this.#passed ? this.#pending.errors() : [])])]
    this.end()
    for (const close of this.#closers.toReversed()) {
      await close().catch((error: unknown) => errors.push(error))
    }
    await this.recorder.flush()
    await this.#attachPage(errors)
    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) throw new AggregateError(errors, 'Several things of this test could not be ended')
  }

  /** Last, since the page shows all that the attempt recorded. */
  async #attachPage(errors: readonly unknown[]): Promise<void> {
    try {
      const body = await testPage(this.task, { duration: readClock() - this.#startedAt, errors })
      if (body === undefined) return
      this.recorder.note('page', `Report of ${this.task.name}`, { contentType: 'text/html', body })
      await this.recorder.flush()
    } catch (error) {
      swallow('page of a test')(error)
    }
  }

  #followSignal(signal: AbortSignal): void {
    const abort = () => this.#controller.abort(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    this.#disconnect = () => signal.removeEventListener('abort', abort)
  }

  #followOwnTimer(): void {
    clearTimeout(this.#timer)
    if (!Number.isFinite(this.timeout) || this.timeout <= 0) return
    const expire = () => {
      if (!isInside('afterEach', this.task)) this.#controller.abort(new Error(`Test timed out in ${this.timeout}ms.`))
    }
    this.#timer = setTimeout(expire, this.timeout)
    this.#timer.unref()
  }
}

/** How often the body of the running test called `expect`: Vitest's own, or that of its context. */
function countAssertions(task: Task): number {
  const own = (task.context as Partial<TestContext> | undefined)?.expect?.getState().assertionCalls ?? 0
  return own + expect.getState().assertionCalls
}

const attempts = new WeakMap<Task, TestAttempt>()
/** The hooks around each test that have begun and not returned, and whether they have run its body. */
const hooksAround = new WeakMap<Task, { count: number; hasBegunBody: boolean }>()
let running = 0

/** Whether several tests with fixtures of ours run at the same time. */
export function attemptsOverlap(): boolean {
  return running > 1
}

/** The attempt that runs now; the first fixture of an attempt begins it. Vitest's `onTestFinished` ends it, or the hooks around the test. */
export function attemptOf(context: AttemptContext): TestAttempt {
  const { task } = context
  const known = attempts.get(task)
  if (known) return known
  const around = hooksAround.get(task)
  const attempt = new TestAttempt(context, { isAround: around?.hasBegunBody === false, onEnd: forget })
  attempts.set(task, attempt)
  // Registered before anything starts: Vitest never runs the clean-up of a fixture whose set-up it timed out. Its own
  // limit on the hook is out of the way, since each closer is bounded by itself.
  context.onTestFinished(() => attempt.finish(hooksAround.has(task)), 2_147_483_647)
  running += 1
  return attempt
}

function forget({ task, recorder }: TestAttempt): void {
  attempts.delete(task)
  recorder.record({ type: 'perf:attempt', id: 'attempt', assertions: countAssertions(task) })
  running -= 1
}

/** The attempt of a test that is running, if any of its fixtures has begun one. */
export function runningAttempt(task: Task | undefined): TestAttempt | undefined {
  return task && attempts.get(task)
}

/** A hook around a test begins. The attempt goes on until what this returns is called. */
export function beginHookAround(task: Task): () => Promise<void> {
  const around = hooksAround.get(task) ?? { count: 0, hasBegunBody: false }
  around.count += 1
  hooksAround.set(task, around)
  return async () => {
    around.count -= 1
    if (around.count > 0) return
    hooksAround.delete(task)
    const attempt = attempts.get(task)
    // Vitest takes down what the hook was given only after it: too late for another load.
    if (attempt?.startedServer && !attempt.startedServer.failure) await attempt.profiler?.explainFailures()
    await attempt?.close()
  }
}

/** A hook around a test has called the function that runs the test. */
export function beginBody(task: Task): void {
  const around = hooksAround.get(task)
  if (around) around.hasBegunBody = true
  attempts.get(task)?.beginBody()
}
