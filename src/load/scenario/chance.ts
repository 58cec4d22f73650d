/** Something to choose, and its weight. */
export type MixPart<Key extends string = string> = readonly [key: Key, weight: number]

/**
 * A repeatable source of chance: sfc32 (Chris Doty-Humphrey, PractRand), seeded with a mix of all of its seeds. The same seeds give the same
 * numbers on every machine.
 */
export class Chance {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(...seeds: readonly number[]) {
    this.#a = mix(seeds, 0x9e3779b9)
    this.#b = mix(seeds, 0x243f6a88)
    this.#c = mix(seeds, 0xb7e15162)
    for (let turn = 0; turn < 12; turn += 1) this.#next()
  }

  #next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result
    this.#c |= 0
    return result >>> 0
  }

  /** From 0 up to, but not including, 1; 53 bits. */
  random(): number {
    return ((this.#next() >>> 5) * 67_108_864 + (this.#next() >>> 6)) / 9_007_199_254_740_992
  }

  integer(from: number, to: number): number {
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from > to) {
      throw new RangeError(`user.integer(from, to) takes two integers, the smaller first, and got ${from} and ${to}`)
    }
    return from + Math.floor(this.random() * (to - from + 1))
  }

  pick<T>(list: readonly T[]): T {
    if (!Array.isArray(list) || list.length === 0) {
      throw new RangeError(`user.pick(list) takes a list of at least one element, and got ${describe(list)}`)
    }
    return list[Math.floor(this.random() * list.length)] as T
  }

  weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key {
    const entries = Object.entries(weights) as [Key, number][]
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0)
    if (!(total > 0) || !Number.isFinite(total) || entries.some(([, weight]) => !(weight >= 0))) {
      throw new RangeError(
        `user.weighted(weights) takes weights of 0 or more, one of them above 0, and got ${describe(weights)}`,
      )
    }
    return this.choose(entries)
  }

  /** One of several, by weight. Not all weights are 0. */
  choose<Key extends string>(parts: readonly MixPart<Key>[]): Key {
    let left = this.random() * parts.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [key, weight] of parts) {
      left -= weight
      if (left < 0) return key
    }
    // Rounding: the last that has a weight.
    return (parts.findLast(([, weight]) => weight > 0) as MixPart<Key>)[0]
  }
}

/** MurmurHash3's finalizer over all seeds, in order; every bit of a seed counts, the upper 32 as well. */
function mix(seeds: readonly number[], salt: number): number {
  let hash = salt | 0
  for (const seed of seeds) {
    for (const word of [seed | 0, Math.floor(seed / 4_294_967_296) | 0]) {
      hash = Math.imul(hash ^ word, 0x85ebca6b)
      hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
      hash ^= hash >>> 16
    }
  }
  return hash
}

function describe(value: unknown): string {
  return Array.isArray(value) && value.length === 0 ? 'an empty list' : JSON.stringify(value)
}
