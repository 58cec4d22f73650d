import type { TestContext } from 'vitest'

type Record = () => unknown

/** The part of Vitest's task that keeps assertions: the same on 4 and 5. */
interface AssertingTask {
  onFinished?: Record[]
}

export interface AssertionRecords {
  release(): void
  end(): void
}

interface Interception {
  watches: number
  readonly records: Record[]
}

const interceptions = new WeakMap<Record[], Interception>()

/**
 * Lets go what Vitest keeps of assertions on promises (`expect(promise).resolves`, `.rejects`, `expect.poll`) until the test ends: for each a
 * function in `task.onFinished` that complains where nobody awaited it, with the stack of an error: 2 KB a call. That function is called
 * here instead; where it complains by an error (Vitest 5), it stays for the end of the test, whose failure that is.
 */
export function watchAssertions(given: TestContext['task']): AssertionRecords {
  const finished = ((given as AssertingTask).onFinished ??= [])
  const interception = interceptions.get(finished) ?? intercept(finished)
  interception.watches += 1
  const release = (): void => {
    for (const record of interception.records.splice(0)) {
      try {
        record()
      } catch {
        Array.prototype.push.call(finished, record)
      }
    }
  }
  let over = false
  return {
    release,
    end() {
      if (over) return
      over = true
      release()
      interception.watches -= 1
      if (interception.watches > 0) return
      Reflect.deleteProperty(finished, 'push')
      interceptions.delete(finished)
    },
  }
}

/** Keeps the records of assertions out of the list. What a user gave to `onTestFinished` comes wrapped, and stays. */
function intercept(finished: Record[]): Interception {
  const interception: Interception = { watches: 0, records: [] }
  interceptions.set(finished, interception)
  Object.defineProperty(finished, 'push', {
    configurable: true,
    enumerable: false,
    writable: true,
    value: (...pushed: Record[]) => {
      for (const record of pushed) {
        if (isAssertion(record)) interception.records.push(record)
        else Array.prototype.push.call(finished, record)
      }
      return finished.length
    },
  })
  return interception
}

/** The same words on Vitest 4 and 5, in the record of `expect.poll` as in those of `resolves` and `rejects`. */
function isAssertion(record: Record): boolean {
  return Function.prototype.toString.call(record).includes('was not awaited')
}
