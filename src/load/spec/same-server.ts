const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

/** Whether two URLs are of one server: the same origin, or the same port of this machine. */
export function isSameServer(one: string, other: string): boolean {
  const [a, b] = [new URL(one), new URL(other)]
  return a.origin === b.origin || (a.port === b.port && LOOPBACK.test(a.hostname) && LOOPBACK.test(b.hostname))
}
