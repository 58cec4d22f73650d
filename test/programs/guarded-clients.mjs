// Tries every way to connect under a guard. Arguments: an allowed port and another one. Prints what became of each try as JSON.
import dns from 'node:dns'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { WebSocket } from 'ws'
import { guardConnections } from '../../dist/load/worker/connection-guard.js'

const [allowed, other] = process.argv.slice(2).map(Number)
guardConnections([`127.0.0.1:${allowed}`, `allowed.test:${other}`])

const opened = (emitter, event) =>
  new Promise((resolve, reject) => {
    emitter.once(event, resolve)
    emitter.once('error', reject)
  }).finally(() => (emitter.destroy ?? emitter.close).call(emitter))
const toLoopback = (_name, options, found) =>
  options.all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4)
const toEverywhere = (_name, _options, found) =>
  found(null, [
    { address: '127.0.0.2', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ])
const tries = {
  'net, port alone': (port) => opened(net.connect(port), 'connect'),
  'net, port and host': (port) => opened(net.connect(port, '127.0.0.1'), 'connect'),
  'net, a socket of its own': (port) => opened(new net.Socket().connect(port, '127.0.0.1'), 'connect'),
  'net, options': (port) => opened(new net.Socket().connect({ port, host: '127.0.0.1' }), 'connect'),
  'net, text for a port': (port) => opened(new net.Socket().connect(String(port), '127.0.0.1'), 'connect'),
  'net, a name': (port) => opened(net.connect({ port, host: 'localhost', lookup: toLoopback }), 'connect'),
  'net, a name with one address of two': (port) =>
    opened(net.connect({ port, host: 'two.test', lookup: toEverywhere }), 'connect'),
  'net, mapped': (port) => opened(net.connect(port, '::ffff:127.0.0.1'), 'connect'),
  http: (port) => opened(http.get({ port, host: '127.0.0.1', agent: false }), 'response'),
  fetch: async (port) => {
    await fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual' }).catch((error) =>
      Promise.reject(error.cause ?? error),
    )
  },
  // The target speaks neither TLS nor HTTP/2 nor WebSockets: that it answers at all says that it was reached.
  tls: (port) => opened(tls.connect({ port, host: '127.0.0.1' }), 'secureConnect'),
  https: (port) => opened(https.get({ port, host: '127.0.0.1', agent: false }), 'response'),
  http2: (port) => opened(http2.connect(`http://127.0.0.1:${port}`), 'remoteSettings'),
  ws: (port) => opened(new WebSocket(`ws://127.0.0.1:${port}/`), 'open'),
}
const outcomes = {}
const outcomeOf = (work) =>
  work.then(
    () => 'reached',
    (error) => (error.code === 'ERR_TARGET_NOT_ALLOWED' ? 'not allowed' : 'reached'),
  )
for (const [name, work] of Object.entries(tries))
  outcomes[name] = [await outcomeOf(work(allowed)), await outcomeOf(work(other))]
// Its address alone is not allowed, and is from when the name was connected to.
const named = () => opened(net.connect({ port: other, host: 'allowed.test', lookup: toLoopback }), 'connect')
outcomes['a name that is allowed'] = [await outcomeOf(named()), 'not allowed']
outcomes['its address, kept'] = [await outcomeOf(opened(net.connect(other, '127.0.0.1'), 'connect')), 'not allowed']
outcomes['a local socket'] = [
  'reached',
  await outcomeOf(opened(net.connect('/tmp/vitest-perf-no-such-socket'), 'connect')),
]
dns.lookup = () => process.exit(3)
outcomes['no name is looked up in vain'] = [
  'reached',
  await outcomeOf(opened(net.connect(other + 1, 'elsewhere.test'), 'connect')),
]
console.log(JSON.stringify(outcomes))
