import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'

/** Hosts on one machine: network namespaces, each with an address of its own, joined by a bridge. No route leads out. */
export interface Hosts<Name extends string> extends AsyncDisposable {
  /** Of IPv4, by host. */
  readonly addresses: Readonly<Record<Name, string>>
  /** Starts a program on a host. Its pid is the program's own. It is killed when the hosts are removed. */
  spawn(host: Name, command: string, args: readonly string[], options?: SpawnOptions): ChildProcess
  /** Pulls the host's cable: nothing says so to either side, and connections stay open. */
  cut(host: Name): void
  mend(host: Name): void
  /** Kills what runs on the hosts and removes them. Idempotent. */
  remove(): Promise<void>
}

/** Returns why this machine cannot make network namespaces, or `undefined`. */
export function findNamespaceObstacle(): string | undefined {
  if (spawnSync('ip', ['-V']).status !== 0) return 'there is no `ip` (iproute2)'
  const probe = `perf-probe-${process.pid}`
  const { status, stderr } = spawnSync('sh', ['-c', `ip netns add ${probe} && ip netns del ${probe}`], {
    encoding: 'utf8',
  })
  return status === 0 ? undefined : `network namespaces are not allowed here: ${stderr.trim()}`
}

function sh(script: string): void {
  const { status, stderr } = spawnSync('sh', ['-ec', script], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${script}\nended with ${status}: ${stderr}`)
}

/**
 * Makes hosts. A shell that outlives this process removes them when its standard input ends, so they go in every end: after `remove()`,
 * and where this process is killed.
 */
export function createHosts<Name extends string>(names: readonly Name[]): Hosts<Name> {
  const prefix = `perf-${randomBytes(3).toString('hex')}`
  const bridge = `${prefix}-bridge`
  const namespaceOf = (host: Name) => `${prefix}-${host}`
  const portOf = (host: Name) => `port${names.indexOf(host)}`
  const addresses = Object.fromEntries(names.map((host, index) => [host, `10.77.0.${index + 1}`])) as Record<
    Name,
    string
  >

  const all = [...names.map(namespaceOf), bridge].join(' ')
  const removal = `cat; for name in ${all}; do for pid in $(ip netns pids $name); do kill -9 $pid; done; ip netns del $name; done`
  const remover = spawn('sh', ['-c', removal], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  const removed = once(remover, 'exit')
  remover.unref()
  const remove = async () => {
    remover.stdin.end()
    remover.ref()
    await removed
  }

  try {
    const links = names.map((host) => {
      const own = `ip -n ${namespaceOf(host)}`
      return `ip netns add ${namespaceOf(host)}
        ip -n ${bridge} link add ${portOf(host)} type veth peer name eth0 netns ${namespaceOf(host)}
        ip -n ${bridge} link set ${portOf(host)} master bridge up
        ${own} address add ${addresses[host]}/24 dev eth0; ${own} link set eth0 up; ${own} link set lo up`
    })
    sh(`ip netns add ${bridge}; ip -n ${bridge} link add bridge type bridge; ip -n ${bridge} link set bridge up
      ${links.join('\n')}`)
  } catch (error) {
    remover.stdin.end()
    throw error
  }
  return {
    addresses,
    spawn: (host, command, args, options = {}) =>
      spawn('ip', ['netns', 'exec', namespaceOf(host), command, ...args], options),
    cut: (host) => sh(`ip -n ${bridge} link set ${portOf(host)} down`),
    mend: (host) => sh(`ip -n ${bridge} link set ${portOf(host)} up`),
    remove,
    [Symbol.asyncDispose]: remove,
  }
}
