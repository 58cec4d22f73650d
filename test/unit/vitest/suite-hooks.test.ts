import { expect, test } from 'vitest'
import { namesIn, withSharedServer } from '../../../src/vitest/suite-hooks.ts'

test.each<[unknown, string[]]>([
  [({ server }: never) => server, ['server']],
  [async ({ server, task }: never) => [server, task], ['server', 'task']],
  // Renamed, with a default, and comments between.
  [({ server: given /* a server, */, file = 1 }: Record<string, unknown>) => [given, file], ['server', 'file']],
  [
    async function ({ server }: never) {
      return server
    },
    ['server'],
  ],
  [
    function named({ server }: never) {
      return server
    },
    ['server'],
  ],
  [() => ({ server: 1 }), []],
  [(suite: { server: 1 }) => suite.server, []],
  [async () => {}, []],
])('the names in %s', (fn, names) => {
  expect(namesIn(fn as never)).toEqual(names)
})

test('a hook that asks for no server is left as it is', () => {
  const given: unknown[] = []
  const hook = withSharedServer(
    (...all) => given.push(...all),
    () => expect.unreachable(),
  )
  const plain = () => {}
  hook(plain, 1_000)
  expect(given).toEqual([plain, 1_000])
})

test('one that does asks Vitest for what shared servers hang on, and gets the server', async () => {
  let adapted: (context: object) => unknown = () => {}
  const hook = withSharedServer(
    (fn) => (adapted = fn as never),
    () => async (context, timeout) => ({ context, timeout }) as never,
  )
  hook(({ server, other }: Record<string, unknown>) => [server, other], 500)
  expect(String(adapted)).toContain('{ other, $fileServers, $workerServers }')
  const context = { other: 'o', $fileServers: 'f', $workerServers: 'w' }
  expect(await adapted(context)).toEqual([{ context, timeout: 500 }, 'o'])
})

test('one around the suite has its fixtures second', async () => {
  expect(namesIn((async (run: never, { server, other }: never) => [run, server, other]) as never, 1)).toEqual([
    'server',
    'other',
  ])
  let adapted: (...given: unknown[]) => unknown = () => {}
  const hook = withSharedServer(
    (fn) => (adapted = fn as never),
    () => async () => 'the server' as never,
    1,
  )
  hook((run: unknown, { server }: Record<string, unknown>, suite: unknown) => [run, server, suite])
  expect(String(adapted)).toContain('(run, { $fileServers, $workerServers })')
  expect(await adapted('run', {}, 'suite')).toEqual(['run', 'the server', 'suite'])
})
