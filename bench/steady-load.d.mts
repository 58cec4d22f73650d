export declare function steadyLoad(options: {
  port: number
  rate: number
  duration: number
  connections?: number
}): Promise<number>
export declare function untilHealthy(port: number, timeout?: number): Promise<void>
