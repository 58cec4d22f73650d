import { URL } from 'node:url'
import { BlockList, isIP, isIPv4 } from 'node:net'
import { bareHost, hostInUrl } from '../../server-url.ts'

/** What one pattern of `--allow` names. */
interface AllowedTarget {
  /** First and last port; all ports if absent. */
  readonly ports: readonly [first: number, last: number] | undefined
  /** Matches a host name in lower case, or never. */
  hasName(name: string): boolean
  /** Matches an address, or never. */
  hasAddress(address: string): boolean
}

/** `'by-address'`: the name itself is not allowed, but the address that it stands for may be. */
export type TargetVerdict = 'allowed' | 'refused' | 'by-address'

const FORMS =
  "a URL ('http://10.0.0.7:3000'), a host ('shop.example.com', '*.example.com', '*') or a range of addresses ('10.0.0.0/8', '[fd00::]/8'), with a port (':3000', ':3000-3999') where it is for that alone"

/**
 * The targets that a worker may load: the patterns of `--allow`. Names are matched as they are written in a URL, addresses by value.
 * A URL stands for its host and port, and a pattern without a port for all ports.
 */
export class AllowedTargets {
  /** As they were typed. */
  readonly patterns: readonly string[]
  readonly #targets: readonly AllowedTarget[]

  /** @throws {TypeError} with every pattern that cannot be read. */
  constructor(patterns: readonly string[]) {
    const problems: string[] = []
    this.patterns = patterns
    this.#targets = patterns.flatMap((pattern) => {
      const target = parsePattern(pattern.trim())
      if (typeof target !== 'string') return target
      problems.push(`--allow '${pattern}' ${target}. Expected ${FORMS}.`)
      return []
    })
    if (problems.length > 0) throw new TypeError(problems.join('\n'))
  }

  /** Judges a host as it stands in a URL or in the options of a socket: a name or an address. */
  judge(host: string, port: number): TargetVerdict {
    const bare = normalName(bareHost(host))
    if (isIP(bare) !== 0) return this.allowsAddress(bare, port) ? 'allowed' : 'refused'
    const ofPort = this.#targets.filter((target) => covers(target, port))
    if (ofPort.some((target) => target.hasName(bare))) return 'allowed'
    return ofPort.some(({ hasAddress }) => hasAddress !== NEVER) ? 'by-address' : 'refused'
  }

  allowsAddress(address: string, port: number): boolean {
    return this.#targets.some((target) => covers(target, port) && target.hasAddress(plainAddress(address)))
  }

  /** The sentence for a target that is refused. */
  refusal(host: string, port: number): string {
    const target = `${hostInUrl(bareHost(host))}:${port}`
    return `This worker does not load ${target}: it was started with ${this.patterns.map((pattern) => `--allow ${pattern}`).join(' ')}. Add --allow ${target} if it should.`
  }
}

function covers({ ports }: AllowedTarget, port: number): boolean {
  return ports === undefined || (port >= ports[0] && port <= ports[1])
}

/** A name without the root's dot at its end, and an address without a scope. */
function normalName(host: string): string {
  return host.toLowerCase().replace(/\.$/, '')
}

/** Drops the scope of an address, such as `%eth0`. */
function plainAddress(address: string): string {
  return address.replace(/%.*$/, '')
}

/** Returns what a pattern names, or what is wrong with it. */
function parsePattern(pattern: string): AllowedTarget | string {
  if (pattern === '') return 'is empty'
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(pattern)) return parseUrl(pattern)
  const match =
    /^(?<host>\[[^\]]*\]|[^/:[\]]*)(?:\/(?<bits>\d{1,3}))?(?::(?<first>\d{1,5})(?:-(?<last>\d{1,5}))?)?$/.exec(
      // An address of IPv6 without brackets has no port.
      isIPv6Pattern(pattern) ? pattern.replace(/^[^/]*/, '[$&]') : pattern,
    )
  if (!match?.groups)
    return pattern.includes('/') ? 'has a path, and a worker limits hosts and ports only' : 'is no target'
  const { host = '', bits, first, last } = match.groups
  const ports = parsePorts(first, last)
  if (typeof ports === 'string') return ports
  const hosts = parseHost(bareHost(host), bits === undefined ? undefined : Number(bits))
  return typeof hosts === 'string' ? hosts : { ...hosts, ports }
}

function isIPv6Pattern(pattern: string): boolean {
  return !pattern.startsWith('[') && isIP(pattern.replace(/\/\d*$/, '')) === 6
}

function parseUrl(text: string): AllowedTarget | string {
  if (!URL.canParse(text)) return 'is no URL'
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(text)
  if (!/^(https?|wss?):$/.test(protocol)) return `has the protocol ${protocol}//, and a worker loads http and https`
  if (username !== '' || password !== '') return 'has a name or a password'
  if (pathname !== '/' || search !== '' || hash !== '') return 'has a path, and a worker limits hosts and ports only'
  const hosts = parseHost(bareHost(hostname), undefined)
  if (typeof hosts === 'string') return hosts
  const number = port === '' ? (/^(https|wss):$/.test(protocol) ? 443 : 80) : Number(port)
  return { ...hosts, ports: [number, number] }
}

function parsePorts(first: string | undefined, last: string | undefined): AllowedTarget['ports'] | string {
  if (first === undefined) return undefined
  const ports = [Number(first), Number(last ?? first)] as const
  if (ports[0] < 1 || ports[1] > 65_535) return 'has a port that is not between 1 and 65535'
  return ports[0] <= ports[1] ? ports : 'has a range of ports that ends before it begins'
}

type Hosts = Omit<AllowedTarget, 'ports'>

const NEVER = () => false

function parseHost(host: string, bits: number | undefined): Hosts | string {
  const family = isIP(host)
  if (family !== 0) return parseAddresses(host, bits)
  if (bits !== undefined) return `has a number of bits behind '${host}', which is no address`
  if (host === '*') return { hasName: () => true, hasAddress: () => true }
  const [, wildcard, written = ''] = /^(\*\.)?(.*)$/.exec(host) as RegExpExecArray
  const name = canonicalName(written)
  if (name === undefined) return written.includes('*') ? "has a '*' that is not its first label" : 'is no host'
  const suffix = `.${name}`
  return {
    hasName: wildcard === undefined ? (other) => other === name : (other) => other.endsWith(suffix),
    hasAddress: NEVER,
  }
}

/** A name as a URL has it: in lower case, and in Punycode. An address that is written in an odd way (`127.1`) is no name. */
function canonicalName(written: string): string | undefined {
  if (written === '' || /[*\s@?#\\%]/.test(written) || !URL.canParse(`http://${written}`)) return undefined
  const name = normalName(new URL(`http://${written}`).hostname)
  return name === '' || isIP(name) !== 0 ? undefined : name
}

function parseAddresses(address: string, bits: number | undefined): Hosts | string {
  const family = isIPv4(address) ? 'ipv4' : 'ipv6'
  const most = family === 'ipv4' ? 32 : 128
  if (bits !== undefined && bits > most) return `has more than ${most} bits`
  // Takes an address of IPv4 that is written as one of IPv6 (`::ffff:10.0.0.1`) for what it is.
  const list = new BlockList()
  list.addSubnet(address, bits ?? most, family)
  return { hasName: NEVER, hasAddress: (other) => list.check(other, isIPv4(other) ? 'ipv4' : 'ipv6') }
}
