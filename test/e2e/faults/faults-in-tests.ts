/** A fault that Vitest itself survives: one test that suffers it, and a next one that looks at what it left. */
export interface TestFault {
  name: string
  /** Source of the server's options; `program(name)` is a command, `mark` is added to its environment. */
  options: string
  /** The fixtures the test names. Default `{ server }`. */
  uses?: string
  /** Source of the test's body. */
  body?: string
  /** Source of the test's own options, such as `{ timeout: 3_500 }`. */
  test?: string
  outcome: 'passed' | 'failed'
  /** What the failure has to say. */
  message?: RegExp
}

const MUST_NOT_RUN = `throw new Error('the body must not run')`

const started: TestFault[] = [
  {
    name: 'exits before it listens',
    options: `{ command: program('server-last-words.mjs 9') }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message:
      /exited with code 9 after .*before it was ready[\s\S]*command: node [\s\S]*folder: [\s\S]*\| the last words/,
  },
  {
    name: 'is ended by a signal before it listens',
    options: `{ command: 'kill -SEGV $$' }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /was ended by SIGSEGV after/,
  },
  {
    name: 'has a command that does not exist',
    options: `{ command: 'no-such-command --now' }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /exited with code 127[\s\S]*did not find the command[\s\S]*no-such-command: not found/,
  },
  {
    name: 'has a folder that does not exist',
    options: `{ command: program('server-ok.mjs'), cwd: './nowhere' }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /`cwd: ".*nowhere"`, does not exist/,
  },
  {
    name: 'never listens',
    options: `{ command: 'sleep 60', health: { timeout: 600 } }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /not ready within 600 ms[\s\S]*PORT[\s\S]*last health check: GET .*nothing listens there/,
  },
  {
    name: 'accepts and never answers',
    options: `{ command: program('server-silent.mjs'), health: { timeout: 5_000 } }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /last health check: GET .*did not answer within/,
  },
  {
    name: 'answers 503 for ever',
    options: `{ command: program('server-ok.mjs'), health: { path: '/status?503', timeout: 5_000 } }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /answered 503 in .*expected 200 to 399/,
  },
  {
    name: 'never prints the line it is waited for by',
    options: `{ command: program('server-ok.mjs'), health: { log: /all systems go/, timeout: 5_000 } }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /health\.log[\s\S]*has not matched \/all systems go\/[\s\S]*\| listening on/,
  },
  {
    name: 'goes to the background',
    options: `{ command: program('server-daemon.mjs'), health: { path: '/none', status: 204 } }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /exited with code 0[\s\S]*foreground/,
  },
  {
    name: 'wants a port in use',
    options: `{ command: program('server-ok.mjs'), port: takenPort }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /Port \d+ of 127\.0\.0\.1 is in use by pid \d+ \(.*\)[\s\S]*server\.port[\s\S]*server\.url/,
  },
  {
    name: 'is overtaken by a foreign server on its port',
    options: `{ command: program('server-late.mjs 900'), port: stolenPort, health: { path: '/', timeout: 5_000 } }`,
    uses: '{ startServer, serverOptions }',
    body: `
      const late = startServer(serverOptions)
      late.catch(() => {})
      await new Promise((done) => setTimeout(done, 300))
      const foreign = createServer((_, response) => response.end('foreign'))
      await new Promise((done) => foreign.listen(stolenPort, '127.0.0.1', done))
      try { await late } finally { await new Promise((done) => { foreign.close(done); foreign.closeAllConnections() }) }`,
    outcome: 'failed',
    message: /Port \d+ of 127\.0\.0\.1 is in use by pid/,
  },
  {
    name: 'finds its port taken and exits',
    options: `{ command: program('server-unlucky.mjs ' + scratch('unlucky')) }`,
    body: `expect((await fetch(server.url)).status).toBe(200)`,
    outcome: 'passed',
  },
  {
    name: 'finds its port taken and stays',
    options: `{ command: program('server-unlucky.mjs ' + scratch('patient') + ' stay') }`,
    body: `expect((await fetch(server.url)).status).toBe(200)`,
    outcome: 'passed',
  },
  {
    name: 'is a module that does not exist',
    options: `{ module: './none.mjs' }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /The server module .*none\.mjs does not exist/,
  },
  {
    name: 'is a module that throws',
    options: `{ module: programs + '/server-modules/throwing.mjs' }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /exited with code 1[\s\S]*\| Error: the module threw/,
  },
  {
    name: 'is a module without a server',
    options: `{ module: programs + '/server-modules/number.mjs' }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /Expected its default export to be a request listener/,
  },
  {
    name: 'waits for what does not come',
    options: `{ command: program('server-ok.mjs'), waitOn: 'tcp:127.0.0.1:1', health: { timeout: 900 } }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /waitOn.*tcp:127\.0\.0\.1:1.*not there within 900 ms/,
  },
  {
    name: 'is said to run, and does not',
    options: `{ url: 'http://127.0.0.1:1' }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /running server http:\/\/127\.0\.0\.1:1 is not healthy[\s\S]*nothing listens there/,
  },
  {
    name: 'has bad options',
    options: `{ comand: 'x', port: -1 }`,
    body: MUST_NOT_RUN,
    outcome: 'failed',
    message: /(?=[\s\S]*`server\.comand`.*did you mean `command`)(?=[\s\S]*`server\.port`)/,
  },
  {
    name: 'hangs in set-up until the test times out',
    options: `{ command: program('server-silent.mjs') }`,
    body: MUST_NOT_RUN,
    test: `{ timeout: 2_800 }`,
    outcome: 'failed',
    message: /not ready within .*test's timeout of 2\.80 s leaves\. Raise the test's `timeout` if it needs longer/,
  },
  {
    name: 'fails to start at the first attempt only',
    options: `{ command: 'test -e ' + scratch('second-try') + ' || { touch ' + scratch('second-try') + '; exit 4; }; exec ' + program('server-ok.mjs') }`,
    body: `expect((await fetch(server.url)).status).toBe(200)`,
    test: `{ retry: 1 }`,
    outcome: 'passed',
  },
]

const used: TestFault[] = [
  {
    name: 'exits in mid-test, which then passes',
    options: `{ command: program('server-ok.mjs') }`,
    body: `
      await fetch(server.url + '/exit?7').catch(() => {})
      await expect.poll(() => portIsFree(server.port), { interval: 5 }).toBe(true)`,
    outcome: 'failed',
    message: /exited with code 7 after .*while a test used it[\s\S]*\| exiting with 7/,
  },
  {
    name: 'crashes under load',
    options: `{ command: program('server-ok.mjs') }`,
    uses: '{ server, loadGenerator }',
    body: `
      setTimeout(() => fetch(server.url + '/segv').catch(() => {}), 400)
      await loadGenerator.generateLoad({ url: '/', connections: 2, duration: 10_000 })`,
    test: `{ timeout: 15_000 }`,
    outcome: 'failed',
    message: /server under load is gone[\s\S]*SIGSEGV/,
  },
  {
    name: 'is killed while the spec is busy',
    options: `{ command: program('server-ok.mjs') }`,
    body: `
      process.kill(-server.pid, 'SIGKILL')
      for (const until = Date.now() + 300; Date.now() < until; );`,
    outcome: 'failed',
    message: /was ended by SIGKILL after/,
  },
  {
    name: 'runs out of memory',
    options: `{ command: 'exec ' + program('--max-old-space-size=40 server-oom.mjs') }`,
    body: `await new Promise((done) => server.signal.addEventListener('abort', done))`,
    test: `{ timeout: 20_000 }`,
    outcome: 'failed',
    message: /was ended by SIGABRT after[\s\S]*heap/,
  },
  {
    name: 'makes the test throw',
    options: `{ command: program('server-ok.mjs') }`,
    body: `throw new Error('the test threw')`,
    outcome: 'failed',
    message: /the test threw/,
  },
  {
    name: 'hangs in the body until the test times out',
    options: `{ command: program('server-ok.mjs') }`,
    body: `await fetch(server.url + '/slow')`,
    test: `{ timeout: 6_000 }`,
    outcome: 'failed',
    // Vitest 4 writes the stack alone into its JSON.
    message: /timed out in 6000ms|STACK_TRACE_ERROR/,
  },
  {
    name: 'hangs at the first attempt only',
    options: `{ command: program('server-ok.mjs') }`,
    body: `
      globalThis.attempts = (globalThis.attempts ?? 0) + 1
      if (globalThis.attempts === 1) await fetch(server.url + '/slow')
      expect((await fetch(server.url)).status).toBe(200)`,
    test: `{ timeout: 6_000, retry: 1 }`,
    outcome: 'passed',
  },
  {
    name: 'does not come back from a restart',
    options: `{ command: 'test -e ' + scratch('once') + ' && exit 5; touch ' + scratch('once') + '; exec ' + program('server-ok.mjs') }`,
    body: `await server.restart()`,
    outcome: 'failed',
    message: /exited with code 5 after .*before it was ready/,
  },
  {
    name: 'is restarted',
    options: `{ command: program('server-ok.mjs') }`,
    body: `
      const pid = server.pid
      await server.restart()
      expect(server.pid).not.toBe(pid)
      expect((await fetch(server.url)).status).toBe(200)`,
    outcome: 'passed',
  },
  {
    name: 'is the second of two, and fails',
    options: `{ command: program('server-ok.mjs') }`,
    uses: '{ server, startServer }',
    body: `await startServer({ command: 'echo no; exit 6', env: { MARK: mark } })`,
    outcome: 'failed',
    message: /exited with code 6/,
  },
  {
    name: 'loses its watchdog',
    options: `{ command: program('server-ok.mjs') }`,
    body: `
      const watchdogs = () => processes((text) => text.includes('vitest-perf-watchdog'))
        .filter(({ pid }) => inThisProcess(pid))
      await expect.poll(() => watchdogs().length).toBeGreaterThan(0)
      const before = watchdogs().map(({ pid }) => pid)
      for (const pid of before) try { process.kill(pid, 'SIGKILL') } catch {}
      await expect.poll(() => watchdogs().filter(({ pid }) => !before.includes(pid)).length).toBeGreaterThan(0)`,
    outcome: 'passed',
  },
]

const ended: TestFault[] = [
  {
    name: 'ignores every polite signal',
    options: `{ command: program('server-deaf.mjs'), shutdown: { timeout: 400 } }`,
    outcome: 'passed',
  },
  {
    name: 'is stopped as by Ctrl-Z',
    options: `{ command: program('server-ok.mjs'), shutdown: { timeout: 3_500 } }`,
    body: `
      process.kill(-server.pid, 'SIGSTOP')
      await expect.poll(() => isStopped(server.pid)).toBe(true)`,
    outcome: 'passed',
  },
  {
    name: 'blocks its event loop for ever',
    options: `{ command: program('server-blocked.mjs'), shutdown: { timeout: 400 } }`,
    body: `await fetch(server.url + '/block', { signal: AbortSignal.timeout(300) }).catch(() => {})`,
    outcome: 'passed',
  },
  {
    name: 'has children that leave its group and ignore signals',
    options: `{ command: program('server-family.mjs'), shutdown: { timeout: 400 } }`,
    body: `await expect.poll(() => processes((text) => text.includes(mark)).length).toBeGreaterThanOrEqual(7)`,
    outcome: 'passed',
  },
  {
    name: 'is a cluster that replaces its workers',
    options: `{ command: program('server-cluster.mjs'), shutdown: { timeout: 400 } }`,
    outcome: 'passed',
  },
  {
    name: 'is started by npm run',
    options: `{ command: 'npm run --silent serve' }`,
    body: `expect((await fetch(server.url)).status).toBe(200)`,
    outcome: 'passed',
  },
  {
    name: 'prints without end while nobody reads',
    options: `{ command: program('server-chatty.mjs') }`,
    body: `
      for (const until = Date.now() + 600; Date.now() < until; );
      expect(server.output.length).toBeLessThanOrEqual(64 * 1024)
      expect((await fetch(server.url)).status).toBe(200)`,
    outcome: 'passed',
  },
  {
    name: 'is stopped by the test itself, twice',
    options: `{ command: program('server-ok.mjs') }`,
    body: `await Promise.all([server.stop(), server.stop()]); await server.stop()`,
    outcome: 'passed',
  },
  {
    name: 'is started without `ps` at hand',
    options: `{ command: process.execPath + ' ' + programs + '/server-deaf.mjs', env: { PATH: '/nowhere' }, shutdown: { timeout: 300 } }`,
    body: `
      const path = process.env.PATH
      process.env.PATH = '/nowhere'
      try { await server.stop() } finally { process.env.PATH = path }`,
    outcome: 'passed',
  },
]

/** The faults by the time at which they strike. */
export const TEST_FAULTS = { started, used, ended }
