import type { TestContext } from 'vitest'
import type { RunnerRecords } from '../memory/runner-records.ts'

type Record = () => unknown

/** The part of Vitest's task that keeps assertions: the same on 4 and 5. */
interface AssertingTask {
  promises?: unknown[]
  onFinished?: Record[]
}

/**
 * Lets go what Vitest keeps of assertions on promises (`expect(promise).resolves`, `.rejects`, `expect.poll`) until the test ends: for each
 * a promise in `task.promises`, and at once after it a function in `task.onFinished` that complains where nobody awaited it, with the
 * stack of an error: 2 KB a call. That function is called here instead; where it complains by an error (Vitest 5), it stays for the end
 * of the test, whose failure that is. What a user gave to `onTestFinished` is not touched: no promise comes right before it.
 */
export function watchAssertions(given: TestContext['task']): RunnerRecords {
  const task = given as AssertingTask
  const promises = (task.promises ??= [])
  const finished = (task.onFinished ??= [])
  const records: Record[] = []
  let asserted = false
  intercept(promises, () => {
    asserted = true
    return false
  })
  intercept(finished, (record) => {
    const taken = asserted
    asserted = false
    if (taken) records.push(record)
    return taken
  })
  const release = (): void => {
    for (const record of records.splice(0)) {
      try {
        record()
      } catch {
        Array.prototype.push.call(finished, record)
      }
    }
  }
  return {
    release,
    end() {
      Reflect.deleteProperty(promises, 'push')
      Reflect.deleteProperty(finished, 'push')
      release()
    },
  }
}

/** Lets `take` see each element that is pushed; those that it takes are not added. */
function intercept<Element>(list: Element[], take: (element: Element) => boolean): void {
  Object.defineProperty(list, 'push', {
    configurable: true,
    enumerable: false,
    writable: true,
    value: (...elements: Element[]) => {
      for (const element of elements) if (!take(element)) Array.prototype.push.call(list, element)
      return list.length
    },
  })
}
