import { describe, expect, it } from 'vitest'
import { InFlightHistory } from '../../../../src/load/measure/in-flight-history.ts'

describe('InFlightHistory', () => {
  it('counts what was sent before the end of a pause and not completed by its start', () => {
    const history = new InFlightHistory()
    expect(history.underwayDuring(0, 10)).toBe(0)
    // 100 sent a second, each taking 50 ms: five under way at any time.
    for (let time = 0; time <= 5_000; time += 10) {
      if (time > 0) history.noteSent()
      if (time > 50) history.noteCompleted()
      history.note(time)
    }
    expect(history.underwayDuring(1_000, 1_000)).toBe(5)
    expect(history.underwayDuring(1_000, 1_100)).toBe(15)
    expect(history.underwayDuring(1_003, 1_008)).toBe(6)
    // What has left the history counts as its oldest, and what is to come as its newest.
    expect(history.underwayDuring(4_990, 9_000)).toBe(6)
  })

  it('keeps the last seconds only', () => {
    const history = new InFlightHistory()
    for (let time = 0; time <= 100_000; time += 10) {
      const sent = time === 0 ? 0 : 10
      for (let count = 0; count < sent; count += 1) {
        history.noteSent()
        history.noteCompleted()
      }
      history.note(time)
    }
    expect(history.underwayDuring(99_000, 99_010)).toBe(10)
    expect(history.underwayDuring(0, 10)).toBe(0)
  })
})
