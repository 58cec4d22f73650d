import { Session } from 'node:inspector'
import { debug } from '../lifecycle/debug.ts'

const KEY = 'vitest-plugin-perf:find-sets'

/** Returns the sets in the heap of this context that `test` is true of; none where the heap cannot be asked. It takes 100 ms or more. */
export function findSets(test: (set: Set<unknown>) => boolean): Set<unknown>[] {
  const found: Set<unknown>[] = []
  const key = Symbol.for(KEY)
  const world = globalThis as unknown as Record<symbol, unknown>
  const session = new Session()
  try {
    world[key] = (sets: Set<unknown>[]) => {
      for (const set of sets) if (isTrueOf(set, test)) found.push(set)
    }
    session.connect()
    const group = { objectGroup: 'sets' }
    const contextId = ownContext(session)
    const { result } = ask(session, 'Runtime.evaluate', { ...group, expression: 'Set.prototype', contextId }) as Answer
    const about = { ...group, prototypeObjectId: result.objectId }
    const { objects } = ask(session, 'Runtime.queryObjects', about) as Answer
    const look = `function () { globalThis[Symbol.for('${KEY}')](this) }`
    const looked = ask(session, 'Runtime.callFunctionOn', {
      objectId: objects.objectId,
      functionDeclaration: look,
    }) as Answer
    if (looked.exceptionDetails) throw new Error(looked.exceptionDetails.text)
    ask(session, 'Runtime.releaseObjectGroup', group)
  } catch (error) {
    debug('the sets of the heap were not found: %s', error)
  } finally {
    session.disconnect()
    Reflect.deleteProperty(world, key)
  }
  return found
}

function isTrueOf(set: Set<unknown>, test: (set: Set<unknown>) => boolean): boolean {
  try {
    return test(set)
  } catch {
    // The prototype of a class that extends `Set` is found too, and cannot be iterated.
    return false
  }
}

/** The context that this file runs in. The pools `vmThreads` and `vmForks` have one for each test file, with a `Set` of its own. */
function ownContext(session: Session): number | undefined {
  const contexts: number[] = []
  session.on('Runtime.executionContextCreated', ({ params }) => contexts.push(params.context.id))
  ask(session, 'Runtime.enable', {})
  const expression = `Symbol.for('${KEY}') in globalThis`
  return contexts.find((contextId) => {
    const { result } = ask(session, 'Runtime.evaluate', { expression, contextId, returnByValue: true }) as Answer
    return result.value === true
  })
}

interface Answer {
  result: { objectId: string; value?: unknown }
  objects: { objectId: string }
  exceptionDetails?: { text: string }
}

/** The inspector of one's own thread answers at once. */
function ask(session: Session, method: string, parameters: object): unknown {
  let told: unknown
  session.post(method, parameters, (error, answer) => {
    if (error) throw new Error(error.message)
    told = answer
  })
  return told
}
