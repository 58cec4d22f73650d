import { swallow } from '../lifecycle/debug.ts'
import { Buffer } from 'node:buffer'
import { recordArtifact, type TestContext } from 'vitest'
import type { PerfArtifact, PerfProgressArtifact } from './artifacts.ts'

type ArtifactBody<Artifact extends PerfArtifact = PerfArtifact> = Artifact extends PerfArtifact
  ? Omit<Artifact, 'attempt'>
  : never

/** Writes the artifacts of one attempt, in order, and knows which are still on their way to the main process. */
export class ArtifactRecorder {
  readonly #context: Pick<TestContext, 'task' | 'annotate'>
  readonly #attempt: number
  readonly #pending = new Set<Promise<unknown>>()
  readonly #busy = new Set<string>()

  constructor(context: Pick<TestContext, 'task' | 'annotate'>) {
    this.#context = context
    this.#attempt = context.task.result?.retryCount ?? 0
  }

  record(artifact: ArtifactBody): void {
    this.#follow(recordArtifact(this.#context.task, { ...artifact, attempt: this.#attempt } as PerfArtifact))
  }

  /** As `record`, but skipped while the last progress of the same measurement is on its way. */
  recordProgress(artifact: Omit<PerfProgressArtifact, 'attempt' | 'type'>): void {
    if (this.#busy.has(artifact.id)) return
    this.#busy.add(artifact.id)
    const { task } = this.#context
    const sent = recordArtifact(task, { ...artifact, type: 'perf:progress', attempt: this.#attempt })
    // It has been shown; Vitest would keep an hour of these with the task.
    const forgotten = sent.then((kept) => forget(task, kept))
    this.#follow(forgotten.finally(() => this.#busy.delete(artifact.id)))
  }

  /** A figure that Vitest's JUnit reporter writes as a property. */
  property(name: string, value: number): void {
    if (Number.isFinite(value)) this.#annotate(String(Number(value.toPrecision(6))), name)
  }

  /** A sentence, and perhaps an image or a page, for those who show annotations but know nothing of our artifacts: Vitest's UI and editors. */
  note(kind: string, message: string, attached?: { contentType: 'image/svg+xml' | 'text/html'; body: string }): void {
    this.#annotate(message, kind, attached && { ...attached, body: Buffer.from(attached.body) })
  }

  /** Resolves when all that was recorded has reached the main process. */
  async flush(): Promise<void> {
    await Promise.allSettled(this.#pending)
  }

  /**
   * Vitest refuses an annotation once the body has ended, though it would still send it. What a test measured before its time-out and the
   * page of the whole test are known only then. It looks at the state before it awaits anything, so nothing else sees this one.
   */
  #annotate(message: string, name: string, attachment?: { contentType: string; body: Uint8Array }): void {
    const { task, annotate } = this.#context
    const result = task.result ?? { state: 'run' }
    const { state } = result
    result.state = 'run'
    try {
      this.#follow(annotate(message, `perf.${name}`, attachment))
    } finally {
      result.state = state
    }
  }

  #follow(sent: Promise<unknown>): void {
    // A run that is being cancelled closes its channel; a report that cannot arrive must not fail the test.
    const settled = sent.catch(swallow('artifact')).finally(() => this.#pending.delete(settled))
    this.#pending.add(settled)
  }
}

function forget(task: TestContext['task'], artifact: unknown): void {
  const place = (task.artifacts as unknown[]).indexOf(artifact)
  if (place !== -1) task.artifacts.splice(place, 1)
}
