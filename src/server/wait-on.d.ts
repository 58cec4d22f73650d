declare module 'wait-on' {
  interface WaitOnOptions {
    resources: string[]
    timeout?: number
    interval?: number
    httpTimeout?: number
    tcpTimeout?: number
    commandTimeout?: number
  }
  export default function waitOn(options: WaitOnOptions): Promise<void>
}
