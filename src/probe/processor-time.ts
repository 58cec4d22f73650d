import { readFileSync, readdirSync } from 'node:fs'

/** Milliseconds since threads began: on a processor, and ready to run while another thread had the processor. */
export interface ProcessorTime {
  readonly running: number
  readonly ready: number
}

/** Processor time of the calling thread, and of all threads of its process. */
export interface ProcessorTimes {
  readonly thread: ProcessorTime
  readonly process: ProcessorTime
}

/** Reads Linux's accounts of this thread and this process. Returns `undefined` on other systems. */
export function readProcessorTimes(): ProcessorTimes | undefined {
  try {
    const thread = parseSchedstat(readFileSync('/proc/thread-self/schedstat', 'utf8'))
    const all = readdirSync('/proc/self/task').map(readTask)
    const sum = (of: keyof ProcessorTime) => all.reduce((total, time) => total + time[of], 0)
    return { thread, process: { running: sum('running'), ready: sum('ready') } }
  } catch {
    return undefined
  }
}

function readTask(id: string): ProcessorTime {
  try {
    return parseSchedstat(readFileSync(`/proc/self/task/${id}/schedstat`, 'utf8'))
  } catch {
    return { running: 0, ready: 0 } // the thread has ended meanwhile
  }
}

/** `7020162 139786302 7`: nanoseconds on a processor, nanoseconds in the queue for one, and how often it ran. */
export function parseSchedstat(text: string): ProcessorTime {
  const [running, ready] = text.trim().split(' ').map(Number)
  if (running === undefined || ready === undefined || !Number.isFinite(running + ready)) throw new RangeError(text)
  return { running: running / 1e6, ready: ready / 1e6 }
}
