/**
 * A set that Vitest keeps. Entries that came after this was made are held weakly from `weaken` to `giveBack`, so that a collection in
 * between frees those that nothing else holds.
 */
export class WeakenedSet {
  readonly #set: Set<object>
  readonly #known: WeakSet<object>
  #weak: WeakRef<object>[] = []

  constructor(set: Set<object>) {
    this.#set = set
    this.#known = new WeakSet(set)
  }

  /** Takes the new entries out. Those that are weak references stay. */
  weaken(): void {
    for (const entry of this.#set) {
      if (entry instanceof WeakRef || this.#known.has(entry)) continue
      this.#set.delete(entry)
      this.#weak.push(new WeakRef(entry))
    }
  }

  /** All that is left of the set: what stayed in it, and what was taken out and still lives. */
  entries(): object[] {
    return [...this.#set, ...this.#weak].flatMap((entry) => {
      const held = entry instanceof WeakRef ? (entry.deref() as object | undefined) : entry
      return held === undefined ? [] : [held]
    })
  }

  /** Puts back what still lives. */
  giveBack(): void {
    for (const reference of this.#weak.splice(0)) {
      const entry = reference.deref()
      if (entry) this.#set.add(entry)
    }
  }
}
