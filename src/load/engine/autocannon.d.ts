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
    requests: AutocannonRequest[]
  }

  export interface AutocannonInstance extends EventEmitter {
    stop(): void
  }

  export default function autocannon(options: AutocannonOptions, done: () => void): AutocannonInstance
}
