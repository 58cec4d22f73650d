import { fork, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import waitOn from 'wait-on'
import { watchdogPid } from '../dist/lifecycle/watchdog.js'
import { findFreePort } from '../dist/server/port.js'
import { startServer } from '../dist/server/start.js'
import { inTurn, median, printRatio } from './measure.mjs'

// Part one: how long after a server listens is that known? The server boots for a random time, so that no poller can be
// lucky with its rhythm, and prints when it listened.
const self = fileURLToPath(import.meta.url)

if (process.argv[2] === 'server') {
  const { createServer } = await import('node:http')
  await delay(Number(process.argv[3]))
  createServer((_request, response) => response.end('ok')).listen(Number(process.env.PORT), '127.0.0.1', () => {
    console.log(`listening at ${performance.timeOrigin + performance.now()}`)
  })
} else if (process.argv[2] === 'holder') {
  const server = await startServer({ command: process.argv[3], health: { timeout: 20_000 } })
  process.send({ pid: server.pid, watchdog: watchdogPid() })
  setInterval(() => {}, 1_000)
} else {
  await run()
}

function command() {
  return `exec ${process.execPath} ${self} server ${Math.round(Math.random() * 700)}`
}

function now() {
  return performance.timeOrigin + performance.now()
}

function listenedAt(output) {
  return Number(/listening at ([\d.]+)/.exec(output)[1])
}

async function ours() {
  const server = await startServer({ command: command(), health: { path: '/' } })
  const known = now()
  await server.stop()
  return known - listenedAt(server.output)
}

async function byHand(wait) {
  const port = await findFreePort()
  const child = spawn('/bin/sh', ['-c', command()], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  await wait(`http://127.0.0.1:${port}/`)
  const known = now()
  child.kill('SIGKILL')
  await once(child, 'exit')
  return known - listenedAt(output)
}

function withWaitOn() {
  return byHand((url) => waitOn({ resources: [url.replace('http:', 'http-get:')], timeout: 20_000 }))
}

/** The intervals at which Playwright asks its `webServer`. */
function withPlaywrightsIntervals() {
  return byHand(async (url) => {
    const intervals = [100, 250, 500]
    for (;;) {
      const up = await fetch(url).then(
        (response) => response.ok,
        () => false,
      )
      if (up) return
      await delay(intervals.shift() ?? 1_000)
    }
  })
}

function stateOf(pid) {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]
  } catch {
    return undefined
  }
}

async function stopTime() {
  const server = await startServer({ command: command(), health: { path: '/' } })
  const started = performance.now()
  await server.stop()
  return performance.now() - started
}

/** From SIGKILL of the process that holds a server to the server's end. */
async function orphanTime() {
  const holder = fork(self, ['holder', command()])
  const [{ pid }] = await once(holder, 'message')
  const started = performance.now()
  holder.kill('SIGKILL')
  for (;;) {
    const state = stateOf(pid)
    if (state === undefined || state === 'Z') return performance.now() - started
    await delay(1)
  }
}

/** Own and shared memory and CPU time of the watchdog's processes: it leads a group of its own. */
function watchdogCost(group) {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return Number(readFileSync(`/proc/${name}/stat`, 'latin1').split(') ').at(-1).split(' ')[2]) === group
      } catch {
        return false
      }
    })
  let pss = 0
  let ticks = 0
  for (const pid of pids) {
    try {
      pss += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1).split(' ')
      // utime, stime, and those of the children it waited for.
      ticks += fields.slice(11, 15).reduce((sum, value) => sum + Number(value), 0)
    } catch {
      // A `sleep` that has ended meanwhile.
    }
  }
  return { pss, milliseconds: ticks * 10, processes: pids.length }
}

async function printWatchdogCost(seconds) {
  // In a fork, as in Vitest's default pool: there it also watches that the main process is still up.
  const holder = fork(self, ['holder', command()])
  const [{ watchdog }] = await once(holder, 'message')
  const before = watchdogCost(watchdog)
  await delay(seconds * 1_000)
  const after = watchdogCost(watchdog)
  holder.kill('SIGKILL')
  const cpu = ((after.milliseconds - before.milliseconds) / (seconds * 1_000)) * 100
  console.log(
    `watchdog: ${after.processes} processes, ${after.pss} KB (proportional set size), ${cpu.toFixed(2)} % of one core`,
  )
}

async function run() {
  const rounds = process.argv.includes('--quick') ? 5 : 15
  const found = await inTurn(rounds, { ours, 'wait-on': withWaitOn, 'playwright intervals': withPlaywrightsIntervals })
  for (const other of ['wait-on', 'playwright intervals']) {
    const goal = 'ours under 40 ms'
    printRatio('listening to known', ['ours', found.ours], [other, found[other]], { unit: ' ms', goal })
  }
  const ends = await inTurn(rounds, { stop: stopTime, orphan: orphanTime })
  console.log(
    `stop() to gone: ${median(ends.stop).toFixed(1)} ms; SIGKILL of the holder to gone: ${median(ends.orphan).toFixed(1)} ms`,
  )
  if (process.platform === 'linux') await printWatchdogCost(10)
}
