import { FEWEST_BLOCKS } from './statistics/looks.ts'

/** How long the two parts of a block take, in milliseconds. */
export interface BlockCourse {
  readonly warmup: number
  readonly turns: number
}

/** Milliseconds of turns, and of warm-up, in a block: as much as there is time for. */
const TURNS = { least: 1_200, most: 2_400 }
const WARMUP = { least: 500, most: 1_000 }
/**
 * Milliseconds within which the first look should come, also where the comparison may take longer: a change of 30 % is clear by
 * then. More short blocks tell as much as fewer long ones, since it is the starts that differ.
 */
const FIRST_LOOK = 18_000
/** Milliseconds to end the first pair; of later ones, what it took before counts. */
const END = 100

/** Shares the time of a comparison out among its blocks. Times are milliseconds from the start of the comparison. */
export class BlockBudget {
  readonly #duration: number
  #course: BlockCourse | undefined
  /** Of the blocks so far. */
  #longestBlock = 0
  #longestStart = 0
  #longestEnd = END

  constructor(duration: number) {
    this.#duration = duration
  }

  /** Whether another block fits, if at `elapsed` so many are `done`, and so many were `attempted`. */
  hasTime(elapsed: number, done: number, attempted: number): boolean {
    // The first six make do with what time there is.
    const isAdapted = attempted > 0 && done < FEWEST_BLOCKS
    const least = this.#longestStart + WARMUP.least + TURNS.least + this.#longestEnd
    return elapsed + (isAdapted ? least : this.#longestBlock) <= this.#duration
  }

  /** How many more blocks such as the longest so far fit. */
  moreAt(elapsed: number): number {
    return Math.max(0, Math.floor((this.#duration - elapsed) / this.#longestBlock))
  }

  /**
   * Plans a block whose servers took `started` to start; `undefined` if they start too slowly for six blocks.
   *
   * Six blocks must fit: each of the first six takes its share of what is left. Where there is room to spare they are longer,
   * since longer ones scatter less, but not so long that the first look comes late.
   */
  plan(started: number, elapsed: number, done: number, attempted: number): BlockCourse | undefined {
    this.#longestStart = Math.max(this.#longestStart, started)
    const missing = FEWEST_BLOCKS - done
    if (missing <= 0 && this.#course) return this.#course
    const leftOf = (time: number) => (time - elapsed + started) / Math.max(1, missing) - started - this.#longestEnd
    const most = leftOf(this.#duration)
    // The first start of a program is its slowest.
    if (attempted === 1 && most < -started * 0.5) return undefined
    // Where servers start slowly, turns that take as long as a start are cheap.
    const left = Math.min(most, Math.max(leftOf(FIRST_LOOK), started))
    const warmup = Math.min(WARMUP.most, Math.max(WARMUP.least, left * 0.3))
    this.#course = { warmup, turns: Math.min(TURNS.most, Math.max(TURNS.least, left - warmup)) }
    return this.#course
  }

  /** Notes how long a block took, and the end of its servers. */
  note(took: number, ending: number): void {
    this.#longestBlock = Math.max(this.#longestBlock, took)
    this.#longestEnd = Math.max(this.#longestEnd, ending)
  }

  /** Milliseconds that six blocks need, as far as is known. */
  get needed(): number {
    return FEWEST_BLOCKS * this.#longestBlock * 1.1
  }
}

/** Milliseconds that six blocks need whose servers take `started` to start. */
export function neededTime(started: number): number {
  return FEWEST_BLOCKS * (started + END + WARMUP.least + TURNS.least)
}
