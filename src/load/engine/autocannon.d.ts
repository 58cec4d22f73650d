declare module 'autocannon' {
  import type { EventEmitter } from 'node:events'

  export interface AutocannonRequest {
    method: string
    path: string
    headers: Record<string, string | string[]>
    body?: Uint8Array
    onResponse(status: number): void
  }

  export interface AutocannonOptions {
    url: string
    connections: number
    pipelining: number
    /** Seconds. */
    duration: number
    timeout: number
    amount?: number
    servername?: string
    /** Called with each connection, before it is opened. */
    setupClient(client: AutocannonClient): void
    requests: AutocannonRequest[]
  }

  export interface AutocannonClient {
    /** Closes the connection, for good. */
    destroy(): void
  }

  export interface AutocannonInstance extends EventEmitter {
    /** Ends it at its next sampling interval, up to a second later. */
    stop(): void
  }

  export default function autocannon(options: AutocannonOptions, done: () => void): AutocannonInstance
}
