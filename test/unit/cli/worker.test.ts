import { afterEach, expect, it, vi } from 'vitest'
import { runWorker } from '../../../src/cli/worker.ts'
import { importPeer } from '../../../src/load/worker/message-codec.ts'

afterEach(() => void vi.unstubAllEnvs())

const LOOPBACK = { master: '127.0.0.1:5557', processes: 1 }

it.for([
  [{ processes: 1 }, /Expected --master HOST:PORT, such as --master 10\.0\.0\.5:5557, got nothing/],
  [{ ...LOOPBACK, master: 'localhost' }, /Expected --master HOST:PORT.* got localhost/],
  [{ ...LOOPBACK, processes: 'many' }, /Expected --processes to be an integer from 1 to 256, or auto, got many/],
  [{ ...LOOPBACK, processes: 0 }, /--processes/],
  [{ ...LOOPBACK, allow: 'http://10.0.0.7/path' }, /--allow 'http:\/\/10\.0\.0\.7\/path' has a path/],
] as const)('the worker refuses %o', async ([given, message]) => {
  await expect(runWorker(given)).rejects.toThrow(message)
})

it('the worker takes no master on another machine without a token', async () => {
  vi.stubEnv('VITEST_PERF_TOKEN', '')
  const starting = runWorker({ master: '10.0.0.5:5557', processes: 1 })
  await expect(starting).rejects.toThrow(/10\.0\.0\.5 is another machine, and VITEST_PERF_TOKEN is not set/)
})

it('a package that is missing is an error that says what to install', async () => {
  const missing = importPeer('zeromq', () => Promise.reject(new Error("Cannot find package 'zeromq'")))
  await expect(missing).rejects.toThrow(
    /need the package `zeromq`.*npm install --save-dev zeromq@6 @msgpack\/msgpack@3/,
  )
})
