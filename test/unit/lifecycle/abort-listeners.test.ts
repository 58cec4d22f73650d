import { getEventListeners } from 'node:events'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { abortReason, leftBehindBy, onAbort, raceSignal } from '../../../src/lifecycle/abort.ts'

describe('onAbort', () => {
  it('adds one listener for all callbacks, and takes it back with the last', () => {
    const { signal } = new AbortController()
    const same = () => {}
    const unlisten = Array.from({ length: 50 }, () => onAbort(signal, same))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    for (const stop of unlisten) {
      expect(getEventListeners(signal, 'abort')).toHaveLength(1)
      stop()
      stop()
    }
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    onAbort(signal, same)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  })

  it('calls each once and in order, but none that was taken back, also by another', () => {
    const controller = new AbortController()
    const calls: string[] = []
    onAbort(controller.signal, () => {
      calls.push('first')
      stopSecond()
    })
    const stopSecond = onAbort(controller.signal, () => calls.push('second'))
    onAbort(controller.signal, () => calls.push('third'))
    controller.abort()
    controller.abort()
    expect(calls).toEqual(['first', 'third'])
    onAbort(controller.signal, () => calls.push('late'))
    expect(calls).toEqual(['first', 'third'])
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })
})

describe('the reason of an abort', () => {
  it('is the error that it was given, also of another realm', () => {
    const foreign = runInNewContext("new TypeError('over there')") as Error
    for (const error of [new Error('enough'), foreign]) expect(abortReason(AbortSignal.abort(error))).toBe(error)
    expect(abortReason(AbortSignal.abort()).name).toBe('AbortError')
  })

  it.each([
    ['user left', 'user left'],
    [{ odd: true }, '{ odd: true }'],
    [null, 'null'],
    [7, '7'],
  ])('%j is told as text, and is the cause', (reason, text) => {
    expect(abortReason(AbortSignal.abort(reason))).toMatchObject({ message: text, cause: reason })
  })
})

it('work that settles leaves no listener behind', async () => {
  const { signal } = new AbortController()
  await Promise.all(
    Array.from({ length: 20 }, () => [
      leftBehindBy(signal, Promise.resolve(1)),
      raceSignal(Promise.resolve(1), signal),
    ]).flat(),
  )
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})
