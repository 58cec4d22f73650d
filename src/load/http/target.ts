import { URL } from 'node:url'
import type { LoadTls } from '../plan/load-options.ts'
import type { LoadPlan } from '../plan/load-plan.ts'

/** The server of a load, and the limits of its connections. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly secure: boolean
  readonly tls: LoadTls
  readonly pipelining: number
  readonly timeout: number
}

/** What the connections of a load need to know of its plan. */
export function targetOf({ url: text, tls, rate, pipelining, timeout }: LoadPlan): Target {
  const url = new URL(text)
  const secure = url.protocol === 'https:'
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    secure,
    tls,
    pipelining: rate ? 1 : pipelining,
    timeout,
  }
}
