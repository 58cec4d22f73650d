import type { LoadOptions } from './load-options.ts'

/** What the functions of a scenario module find in `user.data`: the data of all of them at once. */
export type ScenarioData<Module> = {
  [Name in keyof Module]: Module[Name] extends (...given: infer Given) => unknown
    ? Given extends readonly [{ readonly data: infer Data }, ...(readonly unknown[])]
      ? (data: Data) => void
      : never
    : never
}[keyof Module] extends infer Takers
  ? [Takers] extends [never]
    ? unknown
    : [Takers] extends [(data: infer Data) => void]
      ? Data
      : never
  : never

/** Exports of a scenario module that `mix` may name. */
export type ScenarioNames<Module> = Exclude<
  { [Name in keyof Module]: Module[Name] extends (...given: never[]) => unknown ? Name : never }[keyof Module],
  'start' | 'stop'
> &
  string

/**
 * Options of a load whose `data` and `mix` are checked against a scenario module:
 * `generateLoad<typeof import('./shop.scenario.ts')>({ … })`. Without a module, `LoadOptions`.
 */
export type LoadOptionsOf<Module> = unknown extends Module
  ? LoadOptions
  : Omit<LoadOptions, 'scenario' | 'mix' | 'data'> & {
      scenario: string | URL
      mix?: { readonly [Name in ScenarioNames<Module>]?: number }
    } & (unknown extends ScenarioData<Module> ? { data?: unknown } : { data: ScenarioData<Module> })
