import { expect, test } from 'vitest'
import { appendNodeOptions, cleanEnvironment, serverEnvironment } from '../../../src/server/child-environment.ts'

test('nothing of the Vitest that runs this very test is left', () => {
  const clean = cleanEnvironment(process.env)
  const left = Object.keys(clean).filter(
    (name) => /VITEST|TINYPOOL/.test(name) || ['MODE', 'DEV', 'SSR', 'TEST'].includes(name),
  )
  expect(process.env.VITEST).toBeTruthy()
  expect(left).toEqual([])
  expect(clean.NODE_ENV).toBe('production')
  expect(clean.PATH).toBe(process.env.PATH)
})

test('what is the users own stays', () => {
  const own = {
    NODE_ENV: 'staging',
    MODE: 'fast',
    BASE_URL: 'https://a.example',
    TEST: 'yes',
    DEV: 'maybe',
    VITAL: '1',
  }
  expect(cleanEnvironment(own)).toEqual(own)
})

test.each([
  ['--conditions development --max-old-space-size=100', '--max-old-space-size=100'],
  ['-C custom --import tsx --inspect-brk=0', '--import tsx'],
  ['--conditions=a --inspect', undefined],
  ['--enable-source-maps', '--enable-source-maps'],
])('NODE_OPTIONS %j', (given, expected) => {
  expect(cleanEnvironment({ NODE_OPTIONS: given }).NODE_OPTIONS).toBe(expected)
})

test('the users `env` wins over what we add, and removes with undefined', () => {
  const inherited = { KEEP: '1', DROP: '1' }
  const added = { PORT: '1', HOST: 'a' }
  const env = serverEnvironment({ inherited, added, own: { PORT: '2', DROP: undefined, NODE_ENV: 'test' } })
  expect(env).toEqual({ KEEP: '1', PORT: '2', HOST: 'a', NODE_ENV: 'test' })
})

test('a file wins over what is inherited, and neither over our PORT nor over `env`', () => {
  const files = { PORT: '9', URL: 'file', NODE_ENV: 'staging', OWN: 'file' }
  const env = serverEnvironment({ inherited: { URL: 'shell' }, files, added: { PORT: '1' }, own: { OWN: 'own' } })
  expect(env).toEqual({ PORT: '1', URL: 'file', NODE_ENV: 'staging', OWN: 'own' })
})

test('NODE_OPTIONS are appended', () => {
  expect(appendNodeOptions(undefined, '--require a')).toBe('--require a')
  expect(appendNodeOptions('--b', '--require a')).toBe('--b --require a')
})
