import { expect, test } from 'vitest'
import { Roster, type RosterMember } from '../../../../src/load/scenario/roster.ts'

interface Named extends RosterMember {
  name: string
}

const named = (name: string): Named => ({ name, slot: -1 })
const namesIn = (roster: Roster<Named>) => [...roster].map(({ name }) => name).sort()

test('members come and go in any order, and are in it once', () => {
  const roster = new Roster<Named>()
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(named) as [Named, Named, Named, Named]
  for (const member of [a, b, c]) roster.add(member)
  roster.delete(a)
  expect(namesIn(roster)).toEqual(['b', 'c'])
  roster.add(d)
  roster.delete(a)
  roster.delete(c)
  roster.delete(c)
  expect(namesIn(roster)).toEqual(['b', 'd'])
  roster.add(a)
  roster.delete(d)
  expect(namesIn(roster)).toEqual(['a', 'b'])
  expect(roster.size).toBe(2)
})

test('it may change while its members are looked at', () => {
  const roster = new Roster<Named>()
  for (const name of ['a', 'b', 'c']) roster.add(named(name))
  const seen: string[] = []
  for (const member of roster) {
    seen.push(member.name)
    roster.delete(member)
  }
  expect(seen).toEqual(['a', 'b', 'c'])
  expect(roster.size).toBe(0)
})

test('one that was cleared away is deleted without harm', () => {
  const roster = new Roster<Named>()
  const [old, fresh] = [named('old'), named('fresh')]
  roster.add(old)
  roster.clear()
  roster.add(fresh)
  roster.delete(old)
  expect(namesIn(roster)).toEqual(['fresh'])
})
