import { expect, test } from 'vitest'
import { faultLine } from '../../../src/results/fault-line.ts'

const FRAMES = `    at Server.setupListenHandle [as _listen2] (node:net:1908:16)
    at listenInCluster (node:net:1965:12)`

// Outputs of real programs, cut in the middle.
test.each<[string, string, string | undefined]>([
  [
    'an error event of Node',
    `starting
node:events:502
      throw er; // Unhandled 'error' event
      ^

Error: listen EADDRINUSE: address already in use 127.0.0.9:4
${FRAMES}
Emitted 'error' event on Server instance at:
    at emitErrorNT (node:net:1944:8) {
  code: 'EADDRINUSE',
  port: 4
}

Node.js v20.20.2`,
    'Error: listen EADDRINUSE: address already in use 127.0.0.9:4',
  ],
  [
    'a message of two lines with a cause, behind npm',
    `
> shop@1.0.0 start
> node b.mjs

file:///tmp/b.mjs:1
throw new Error('x')
      ^

Error: outer
second line
    at file:///tmp/b.mjs:1:21 {
  code: 'X',
  [cause]: TypeError: inner
      at file:///tmp/b.mjs:1:61
      at ModuleJob.run (node:internal/modules/esm/module_job:325:25)
}

Node.js v20.20.2
npm error Lifecycle script \`start\` failed with error:
npm error code 1
npm error path /tmp/shop`,
    'Error: outer',
  ],
  [
    'a coloured error',
    `\u001B[31mTypeError: db.connect is not a function\u001B[39m\n    at file:///app/server.js:3:4`,
    'TypeError: db.connect is not a function',
  ],
  [
    'a value that was thrown',
    'node:internal/x:123\n    trigger(\n    ^\nplain\n(Use `node --trace-uncaught ...` to show)',
    'plain',
  ],
  [
    'a package that is missing',
    `node:internal/modules/esm/resolve:873
  throw new ERR_MODULE_NOT_FOUND(packageName, fileURLToPath(base), null);
        ^

Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'x' imported from /app/c.mjs
    at packageResolve (node:internal/modules/esm/resolve:873:9) {
  code: 'ERR_MODULE_NOT_FOUND'
}`,
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'x' imported from /app/c.mjs",
  ],
  [
    'memory that ran out',
    '<--- JS stacktrace --->\n\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n----- Native stack trace -----\n\n 1: 0xb78db3 node::OOMErrorHandler [node]',
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
  ],
  [
    'a traceback of Python that follows another',
    `Traceback (most recent call last):
  File "/app/f.py", line 3, in a
    1/0
    ~^~
ZeroDivisionError: division by zero

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/f.py", line 6, in <module>
    a()
    ^^^
ValueError: bad config: PORT`,
    'ValueError: bad config: PORT',
  ],
  [
    'a class of Python without a usual name',
    'Traceback (most recent call last):\n  File "f.py", line 1, in <module>\n    a()\nshop.errors.NoLuck: today\n',
    'shop.errors.NoLuck: today',
  ],
  [
    'a panic of Go',
    'panic: runtime error: index out of range [3] with length 3\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:8 +0x1d\nexit status 2',
    'panic: runtime error: index out of range [3] with length 3',
  ],
  [
    'a fatal log line of Go',
    '2026/01/02 10:00:00 starting\n2026/01/02 10:00:01 listen tcp :8080: bind: address already in use\nexit status 1',
    '2026/01/02 10:00:01 listen tcp :8080: bind: address already in use',
  ],
  [
    'the root cause of Java',
    'Exception in thread "main" java.lang.IllegalStateException: no server\n\tat shop.Main.main(Main.java:4)\nCaused by: java.net.BindException: Address already in use\n\tat java.base/sun.nio.ch.Net.bind0(Native Method)\n\t... 1 more',
    'Caused by: java.net.BindException: Address already in use',
  ],
  [
    'a panic of Rust',
    "thread 'main' panicked at src/main.rs:4:5:\nno config\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
    "thread 'main' panicked at src/main.rs:4:5: no config",
  ],
  [
    'Ruby',
    "server.rb:3:in 'connect': no route (RuntimeError)\n\tfrom server.rb:9:in '<main>'",
    "server.rb:3:in 'connect': no route (RuntimeError)",
  ],
  ['a shell', 'sh: 1: serve: not found\nnpm error Missing script: "serve"', 'sh: 1: serve: not found'],
  [
    'a logger that writes JSON',
    '{"level":30,"msg":"up"}\n{"level":60,"err":{"type":"Error","message":"no database","stack":"Error: no database\\n    at x"},"msg":"boom"}\n{"level":30,"msg":"bye"}',
    'Error: no database',
  ],
  ['the last of several', 'Error: first\n    at a\nrecovered\nError: second\n    at b\n', 'Error: second'],
  ['nothing that sounds bad', 'listening on 3000\nbye\n', undefined],
  ['only npm', 'npm error code 1\nnpm error Lifecycle script `start` failed with error:', undefined],
  ['nothing', '', undefined],
])('%s', (_name, output, line) => {
  expect(faultLine(output)).toBe(line)
})

test('a long line is cut', () => {
  expect(faultLine(`Error: ${'x'.repeat(1_000)}`)).toHaveLength(300)
})
