import type { HotFunction, LoadProfile, ProfiledIsolate } from '../results/profile-result.ts'

type Recorded = Pick<LoadProfile, 'isolates' | 'requests'>

/** What the answers of a server cost, in figures that a busy machine does not raise. */
export interface Work {
  /** HTTP requests that were answered. */
  readonly requests: number
  /** Milliseconds from the start of a request to its answer, on average; 0 without requests. */
  readonly requestTime: number
  /** Milliseconds in which an event loop worked for a request, on average; `NaN` without requests. */
  readonly loopTime: number
  /** Part of the time in which the busiest event loop worked, 0 to 1. */
  readonly busy: number
  /** Part of the time with a request to answer in which it worked, 0 to 1: less idle time if requests come in bursts. */
  readonly busyServing: number
  /** Part of the time in which the busiest event loop was ready to run and had no processor, 0 to 1. */
  readonly starved: number
  /** By how much other programs made everything in the server's process longer: 1 on an idle machine. */
  readonly slowdown: number
  /** Milliseconds on a processor that a function took of each request, in all isolates together; `NaN` without requests. */
  ofFunction(found: Pick<HotFunction, 'function' | 'location'>): number
  /** The same of garbage collection. */
  readonly ofGarbage: number
}

export function measureWork({ isolates, requests }: Recorded, requestTime: number): Work {
  const [busiest] = isolates
  const perRequest = (of: (isolate: ProfiledIsolate) => number): number =>
    requests > 0 ? isolates.reduce((sum, isolate) => sum + of(isolate), 0) / requests : Number.NaN
  return {
    requests,
    requestTime: requests > 0 ? requestTime / requests : 0,
    loopTime: perRequest((isolate) => busyPart(isolate) * isolate.duration),
    busy: busiest ? busyPart(busiest) : 0,
    busyServing: busiest && busiest.serving > 0 ? Math.min(1, busyPart(busiest) / busiest.serving) : 0,
    starved: busiest?.processor?.waiting ?? 0,
    slowdown: Math.max(1, busiest?.processor?.slowdown ?? 1),
    ofFunction: ({ function: name, location }) =>
      perRequest((isolate) => {
        const same = isolate.hot.find((hot) => hot.function === name && hot.location === location)
        return (same?.attributed ?? 0) * processorTime(isolate)
      }),
    ofGarbage: perRequest((isolate) => (isolate.cpu.gc / (busyPart(isolate) || 1)) * processorTime(isolate)),
  }
}

function busyPart({ cpu }: ProfiledIsolate): number {
  return cpu.user + cpu.gc
}

/** Milliseconds that an isolate ran. Its samples also count while another program has the processor. */
function processorTime(isolate: ProfiledIsolate): number {
  const busy = busyPart(isolate)
  return Math.min(busy, isolate.processor?.running ?? busy) * isolate.duration
}
