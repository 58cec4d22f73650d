import { CookieJar, MemoryCookieStore, type Cookie } from 'tough-cookie'
import { readWallClock } from '../../lifecycle/real-timers.ts'

/** Counts its changes, so that the header for a path is computed once for each state. */
class CountingStore extends MemoryCookieStore {
  changes = 0

  constructor() {
    super()
    // The base class's methods have overloads for callbacks and promises: what is wrapped here is all of them.
    const own = this as unknown as Record<string, (...given: unknown[]) => unknown>
    for (const name of ['putCookie', 'updateCookie', 'removeCookie', 'removeCookies', 'removeAllCookies']) {
      const original = own[name] as (...given: unknown[]) => unknown
      own[name] = (...given) => {
        this.changes += 1
        return original.apply(this, given)
      }
    }
  }
}

interface KnownHeader {
  readonly changes: number
  /** Unix milliseconds at which the first of its cookies expires. */
  readonly until: number
  readonly text: string
}

/** Paths for which the header is remembered. */
const MOST_KNOWN = 100

/** A virtual user's cookies. The jar is created when the first cookie is set, or at the first access. */
export class UserCookies {
  #store: CountingStore | undefined
  #jar: CookieJar | undefined
  readonly #known = new Map<string, KnownHeader>()

  get jar(): CookieJar {
    this.#store ??= new CountingStore()
    return (this.#jar ??= new CookieJar(this.#store))
  }

  /** The value of `Cookie` for a request; `''` for none. */
  headerFor(origin: string, path: string): string {
    if (!this.#jar || !this.#store) return ''
    const url = `${origin}${path.split('?', 1)[0] as string}`
    const now = readWallClock()
    const known = this.#known.get(url)
    if (known && known.changes === this.#store.changes && now < known.until) return known.text
    const cookies = this.#jar.getCookiesSync(url)
    const text = cookies.map((cookie) => cookie.cookieString()).join('; ')
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    this.#known.set(url, { changes: this.#store.changes, until: firstExpiry(cookies, now), text })
    return text
  }

  /** Keeps what an answer sets. A cookie that a browser would reject is ignored. */
  keep(rawHeaders: readonly string[], origin: string, path: string): void {
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] as string
      if (name.length !== 10 || name.toLowerCase() !== 'set-cookie') continue
      this.jar.setCookieSync(rawHeaders[index + 1] as string, `${origin}${path}`, { ignoreError: true })
    }
  }
}

function firstExpiry(cookies: readonly Cookie[], now: number): number {
  return Math.min(Infinity, ...cookies.map((cookie) => now + cookie.TTL(now)))
}
