import { expect, test } from 'vitest'
import { loadEnvironment } from '../../../../src/load/spec/load-child.ts'

test("a load process gets the shell's environment, without what Vitest or a debugger set", () => {
  const env = {
    PATH: '/bin',
    HTTP_PROXY: 'x',
    NODE_OPTIONS: '--inspect --import tsx',
    NODE_ENV: 'test',
    VITEST: 'true',
  }
  expect(loadEnvironment(env)).toEqual({ PATH: '/bin', HTTP_PROXY: 'x' })
})

test.each([
  ['--require /shop/.pnp.cjs --experimental-loader file:///shop/.pnp.loader.mjs', undefined],
  ['-r "/a shop/.pnp.cjs" --import=file:///shop/.pnp.loader.mjs', undefined],
  ['--inspect --require /shop/.pnp.cjs --import tsx', '--require /shop/.pnp.cjs'],
])("it keeps Yarn's Plug'n'Play: %s", (options, kept = options) => {
  expect(loadEnvironment({ NODE_OPTIONS: options })).toEqual({ NODE_OPTIONS: kept })
})
