import { CAPACITY_MEASUREMENT } from './capacity-measurement.ts'
import { COMPARE_MEASUREMENT } from './compare-measurement.ts'
import type { AnyMeasurementKind } from './measurement-kind.ts'
import { PROFILE_KIND } from './profile-kind.ts'

/** Every kind of measurement besides loads, memory watches and servers, in the order in which reports show them. */
export const MEASUREMENT_KINDS: AnyMeasurementKind[] = [
  COMPARE_MEASUREMENT,
  CAPACITY_MEASUREMENT,
  PROFILE_KIND as unknown as AnyMeasurementKind,
]

export function kindOf(type: string): AnyMeasurementKind | undefined {
  return MEASUREMENT_KINDS.find((kind) => kind.type === type)
}
