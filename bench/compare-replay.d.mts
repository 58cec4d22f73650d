export interface ReplayRow {
  kind: string
  effect: number
  hit: string
  slower: number
  held: number
  inconclusive: number
  replays: number
  blocks: number
}
export function replay(options?: { replays?: number; most?: number; seed?: number }): ReplayRow[]
