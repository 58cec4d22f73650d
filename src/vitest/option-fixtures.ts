const OPTION_FIXTURES: readonly unknown[] = ['serverOptions', 'loadOptions', 'memoryOptions', 'compareOptions']

type AnyFunction = (this: unknown, ...given: unknown[]) => unknown

/**
 * Has `test.override('serverOptions', { scope: 'file', … })` mean what it says: Vitest takes an object with a `scope` for options
 * of the fixture, and the fixture itself for left out. The same holds for what is extended from `test`.
 */
export function takingValues<Test extends object>(test: Test): Test {
  const api = test as unknown as Record<'override' | 'extend', AnyFunction>
  const { override, extend } = api
  const asValues = (given: unknown[]): unknown[] => {
    const [name, value] = given
    const isValue = given.length === 2 && OPTION_FIXTURES.includes(name) && typeof value !== 'function'
    return isValue ? [{ [name as string]: value }] : given
  }
  api.override = function (...given) {
    return override.apply(this, asValues(given))
  }
  api.extend = function (...given) {
    return takingValues(extend.apply(this, asValues(given)) as object)
  }
  return test
}
