import { expect, it, type TestContext } from 'vitest'
import { SnapshotRecords } from '../../../src/vitest/snapshot-records.ts'

interface State {
  _inlineSnapshotStacks: object[]
  _testIdToKeys: Map<string, string[]>
  _counters: Map<string, number>
}

const state = () => (expect.getState() as unknown as { snapshotState: State }).snapshotState

function kept({ id, name }: TestContext['task']) {
  return {
    comparisons: state()._inlineSnapshotStacks.length,
    keys: state()._testIdToKeys.get(id)?.length,
    counted: state()._counters.get(name),
  }
}

it('keeps one comparison at each place, and all from before', ({ task }) => {
  const compare = () => expect('before').toMatchInlineSnapshot(`"before"`)
  compare()
  compare()
  const before = kept(task)
  expect(before).toEqual({ comparisons: expect.any(Number), keys: 2, counted: 2 })
  const records = new SnapshotRecords(task.id)
  for (let call = 0; call < 50; call += 1) {
    expect({ id: 7 }).toMatchInlineSnapshot(`
      {
        "id": 7,
      }
    `)
    expect('other').toMatchInlineSnapshot(`"other"`)
  }
  expect(kept(task)).toEqual({ comparisons: before.comparisons + 100, keys: 102, counted: 102 })
  records.release({ keys: false })
  expect(kept(task)).toEqual({ comparisons: before.comparisons + 2, keys: 102, counted: 102 })
  records.release({ keys: true })
  expect(kept(task)).toEqual({ ...before, comparisons: before.comparisons + 2 })
  records.release({ keys: true })
  expect(kept(task)).toEqual({ ...before, comparisons: before.comparisons + 2 })
})

it('keeps the keys of calls that write to a file of snapshots too', ({ task }) => {
  const records = new SnapshotRecords(task.id)
  expect(1).toMatchInlineSnapshot(`1`)
  const written = `${task.name} 2`
  const data = (expect.getState() as unknown as { snapshotState: { _snapshotData: Record<string, string> } })
    .snapshotState._snapshotData
  data[written] = '2'
  expect(2).toMatchInlineSnapshot(`2`)
  const before = kept(task)
  records.release({ keys: true })
  expect(kept(task)).toMatchObject({ keys: before.keys, counted: before.counted })
  delete data[written]
})
