import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { loopUsage, utilisationBetween } from './loop-usage.ts'

/** Measures what the load process spends, from its creation until it is stopped. */
export interface CostMeter {
  /** CPU milliseconds, and event-loop utilisation 0 to 1, until now or until it was stopped. */
  read(): { cpu: number; eventLoopUtilization: number }
  stop(): void
}

/** What the load process spends on a load (and on all others that run in it at the time). */
export class GeneratorCost implements CostMeter {
  readonly #cpu = process.cpuUsage()
  readonly #loop = loopUsage.read()
  readonly #wholeLoop = performance.eventLoopUtilization()
  #final: { cpu: number; eventLoopUtilization: number } | undefined

  read(): { cpu: number; eventLoopUtilization: number } {
    if (this.#final) return this.#final
    const { user, system } = process.cpuUsage(this.#cpu)
    return { cpu: (user + system) / 1_000, eventLoopUtilization: this.#utilisation() }
  }

  #utilisation(): number {
    const utilisation = utilisationBetween(this.#loop, loopUsage.read())
    // A profiler has recorded all the time: that figure is too high, and there is no other.
    return Number.isNaN(utilisation) ? performance.eventLoopUtilization(this.#wholeLoop).utilization : utilisation
  }

  stop(): void {
    this.#final = this.read()
  }
}
