import dns from 'node:dns'
import net, { type LookupFunction } from 'node:net'
import { AllowedTargets } from './allowed-targets.ts'

interface ConnectOptions {
  host?: string
  port?: number | string
  path?: string | undefined
  lookup?: LookupFunction
}

/** Never resolved: it comes with a lookup that fails. */
const NOWHERE = 'not-allowed.invalid'

let allowed: AllowedTargets | undefined
/** `address:port` of names that are allowed: some clients look a name up once and then connect to its address. */
const addressesOfNames = new Set<string>()

/**
 * Limits every TCP connection that this process opens from now on, by whatever library: redirects, WebSockets, `fetch` of a scenario.
 * A connection that is not allowed fails as one whose name is not found, with a sentence that says so. No sandbox: code that wants to
 * get around it can, and a worker runs only code of those who have its token.
 *
 * @throws {TypeError} if a pattern cannot be read.
 */
export function guardConnections(patterns: readonly string[]): void {
  const targets = new AllowedTargets(patterns)
  if (allowed === undefined) replaceConnect()
  allowed = targets
  addressesOfNames.clear()
}

function replaceConnect(): void {
  const connect = net.Socket.prototype.connect as (this: net.Socket, ...given: unknown[]) => net.Socket
  function guarded(this: net.Socket, ...given: unknown[]): net.Socket {
    const [first, ...rest] = given
    // Node's own callers pass one array, marked by a symbol: change it in place.
    if (Array.isArray(first)) first[0] = guardOptions(first[0] as ConnectOptions)
    else if (typeof first === 'object' && first !== null) return connect.call(this, guardOptions(first), ...rest)
    else {
      const callback = given.find((value) => typeof value === 'function')
      return connect.call(this, guardOptions(optionsOf(given)), ...(callback ? [callback] : []))
    }
    return connect.call(this, first)
  }
  net.Socket.prototype.connect = guarded as typeof net.Socket.prototype.connect
}

/** Of `connect(port, host?, callback?)` and `connect(path, callback?)`. */
function optionsOf([first, second]: readonly unknown[]): ConnectOptions {
  const isPort = typeof first === 'number' || (typeof first === 'string' && /^\d+$/.test(first))
  if (!isPort) return { path: String(first) }
  return { port: Number(first), ...(typeof second === 'string' ? { host: second } : {}) }
}

function guardOptions(options: ConnectOptions): ConnectOptions {
  if (!allowed) return options
  const { path } = options
  const host = options.host || 'localhost'
  const port = Number(options.port)
  if (path) return refused(options, `This worker opens no local socket (${path}): it was started with --allow.`)
  const verdict = allowed.judge(host, port)
  if (verdict === 'allowed' || addressesOfNames.has(`${host}:${port}`)) {
    return net.isIP(host) === 0 ? { ...options, lookup: rememberingLookup(options, port) } : options
  }
  if (verdict === 'refused') return refused(options, allowed.refusal(host, port))
  return { ...options, lookup: limitedLookup(options, host, port, allowed) }
}

/** Returns options that fail as a name that is not found does: every client handles that error. */
function refused(options: ConnectOptions, message: string): ConnectOptions {
  const lookup: LookupFunction = (_name, _options, found) => found(notAllowed(message), '')
  return { ...options, path: undefined, port: options.port ?? 1, host: NOWHERE, lookup }
}

function notAllowed(message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code: 'ERR_TARGET_NOT_ALLOWED' })
}

type Found = Parameters<Parameters<LookupFunction>[2]>

/** Looks a name up, and passes on those of its addresses that `keep` leaves. */
function lookupWith(
  { lookup = dns.lookup as LookupFunction }: ConnectOptions,
  keep: (addresses: readonly dns.LookupAddress[]) => readonly dns.LookupAddress[] | Error,
): LookupFunction {
  return (name, options, found) => {
    lookup(name, options, (...[error, address, family]: Found) => {
      if (error) return found(error, address, family)
      const isList = Array.isArray(address)
      const kept = keep(isList ? address : [{ address, family: family ?? net.isIP(address) }])
      if (kept instanceof Error) return found(kept, '')
      if (isList) return found(null, [...kept])
      found(null, (kept[0] as dns.LookupAddress).address, kept[0]?.family)
    })
  }
}

function rememberingLookup(options: ConnectOptions, port: number): LookupFunction {
  return lookupWith(options, (addresses) => {
    for (const { address } of addresses) addressesOfNames.add(`${address}:${port}`)
    return addresses
  })
}

/** Of a name that is not allowed itself. Judges the addresses that the socket then connects to: a second lookup could give others. */
function limitedLookup(options: ConnectOptions, host: string, port: number, targets: AllowedTargets): LookupFunction {
  return lookupWith(options, (addresses) => {
    const kept = addresses.filter(({ address }) => targets.allowsAddress(address, port))
    return kept.length > 0 ? kept : notAllowed(targets.refusal(host, port))
  })
}
