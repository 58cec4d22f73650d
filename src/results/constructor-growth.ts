import { formatBytes, formatCount } from '../units.ts'

/** `ConstructorGrowth`, also as it comes out of JSON. */
interface Grown {
  readonly name: string
  readonly count: number | null
  readonly bytes: number | null
}

/** How many kinds a line has room for. */
const NAMED = 3

/**
 * The first few in one line, `Order +2,542 (610 KB), Map +12 (2 KB), (string) +5,084 (163 KB)`; empty where there are none. What has a name says more
 * than strings and numbers do, and comes first.
 */
export function formatGrowth(constructors: readonly Grown[] = []): string {
  const isNamed = ({ name }: Grown) => !name.startsWith('(')
  return [...constructors.filter(isNamed), ...constructors.filter((grown) => !isNamed(grown))]
    .slice(0, NAMED)
    .map(({ name, count, bytes }) => `${name} +${formatCount(count)} (${formatBytes(bytes)})`)
    .join(', ')
}
