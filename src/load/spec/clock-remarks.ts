import { formatDuration } from '../../units.ts'

/** What is known of a worker's time, in milliseconds. */
export interface WorkerTime {
  /** Who it is, for people. */
  readonly name: string
  /** How far its wall clock is ahead of ours. */
  readonly ahead: number
  /** When it was to begin, and when it began, in Unix milliseconds by our clock. Absent before it has begun. */
  readonly begin?: { readonly planned: number; readonly actual: number }
  /** Length of a row of the result. */
  readonly interval: number
}

/** Returns sentences about a worker whose clock, or whose start, is off by more than a row of the result. */
export function clockRemarks({ name, ahead, begin, interval }: WorkerTime): string[] {
  const remarks = []
  if (Math.abs(ahead) > interval) {
    remarks.push(
      `The clock of the worker ${name} is ${formatDuration(Math.abs(ahead))} ${ahead > 0 ? 'ahead' : 'behind'}; its times were corrected. Switch NTP on there (\`timedatectl set-ntp true\`).`,
    )
  }
  const late = begin ? begin.actual - begin.planned : 0
  if (Math.abs(late) > interval) {
    remarks.push(
      `The worker ${name} began ${formatDuration(Math.abs(late))} ${late > 0 ? 'late' : 'early'}, so the load was not the planned one while it was missing: its machine or the network is too busy.`,
    )
  }
  return remarks
}
