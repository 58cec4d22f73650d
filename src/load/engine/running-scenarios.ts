import process from 'node:process'
import { captureConsole } from '../scenario/captured-console.ts'

/** Is told what a scenario prints, and of its uncaught errors. */
export interface ScenarioListener {
  print(level: 'log' | 'error', text: string): void
  /** An error of a promise that is not awaited, or of a timer. */
  onUncaught(error: unknown): void
}

/** By when they began. Usually one. */
const running = new Set<ScenarioListener>()
let isListening = false

/**
 * Tells a scenario what this process prints and does not catch. Neither names its scenario, so the one that began last
 * gets it.
 */
export function enterScenario(listener: ScenarioListener): void {
  listenOnce()
  running.add(listener)
}

export function leaveScenario(listener: ScenarioListener): void {
  running.delete(listener)
}

function listenOnce(): void {
  if (isListening) return
  isListening = true
  const latest = () => [...running].at(-1)
  captureConsole((level, text) => latest()?.print(level, text))
  const onUncaught = (error: unknown) => latest()?.onUncaught(error)
  process.on('unhandledRejection', onUncaught)
  process.on('uncaughtException', onUncaught)
}
