import { realClock, type Clock } from '../../lifecycle/clock.ts'
import { SocketWire } from '../http/socket-wire.ts'
import type { Wire } from '../http/wire.ts'
import { GeneratorCost, type CostMeter } from '../measure/generator-cost.ts'

/** What a load needs of the machine that it runs on. */
export interface LoadMachine {
  readonly clock: Clock
  readonly wire: Wire
  /** Measures from now on what the load process spends. */
  measureCost(): CostMeter
}

export function realMachine(): LoadMachine {
  return { clock: realClock, wire: new SocketWire(), measureCost: () => new GeneratorCost() }
}
