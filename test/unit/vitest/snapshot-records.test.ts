import { expect, it } from 'vitest'
import { SnapshotRecords } from '../../../src/vitest/snapshot-records.ts'

const kept = () =>
  (expect.getState() as unknown as { snapshotState: { _inlineSnapshotStacks: object[] } }).snapshotState
    ._inlineSnapshotStacks.length

it('keeps one comparison at each place, and all from before', () => {
  const compare = () => expect('before').toMatchInlineSnapshot(`"before"`)
  compare()
  compare()
  const before = kept()
  expect(before).toBeGreaterThanOrEqual(2)
  const records = new SnapshotRecords()
  for (let call = 0; call < 50; call += 1) {
    expect({ id: 7 }).toMatchInlineSnapshot(`
      {
        "id": 7,
      }
    `)
    expect('other').toMatchInlineSnapshot(`"other"`)
  }
  expect(kept()).toBe(before + 100)
  records.release()
  expect(kept()).toBe(before + 2)
  records.release()
  expect(kept()).toBe(before + 2)
})
