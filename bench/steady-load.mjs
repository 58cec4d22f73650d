// A keep-alive load at a fixed rate, for benchmarks that must not depend on the load generator they sit beside.
import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** Sends `rate` requests a second for `duration` milliseconds; resolves with how many were answered. */
export async function steadyLoad({ port, rate, duration, connections = 10 }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const pending = new Set()
  const started = performance.now()
  let sent = 0
  let answered = 0
  const send = () =>
    new Promise((resolve) => {
      get({ port, host: '127.0.0.1', path: '/work', agent }, (res) => {
        res.resume()
        res.on('end', () => resolve((answered += 1)))
      }).on('error', resolve)
    })
  while (performance.now() - started < duration) {
    for (const due = ((performance.now() - started) * rate) / 1_000; sent < due; sent += 1) {
      const request = send()
      pending.add(request)
      void request.then(() => pending.delete(request))
    }
    await delay(2)
  }
  await Promise.all(pending)
  agent.destroy()
  return answered
}

/** Resolves when the server on `port` answers. */
export async function untilHealthy(port, timeout = 10_000) {
  const deadline = performance.now() + timeout
  while (performance.now() < deadline) {
    const healthy = await fetch(`http://127.0.0.1:${port}/health`).then(
      (response) => response.ok,
      () => false,
    )
    if (healthy) return
    await delay(25)
  }
  throw new Error(`Nothing answered on port ${port} within ${timeout} ms`)
}
