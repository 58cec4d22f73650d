import waitOn from 'wait-on'

// The entry of the process that waits for what a server needs. wait-on takes no signal and leaves hung probes open: a
// process of its own can be ended at any time, and keeps 42 packages out of the spec's process.

const { resources, timeout } = JSON.parse(process.argv[2] ?? '{}') as { resources: string[]; timeout: number }

waitOn({ resources, timeout, interval: 100, httpTimeout: 2_000, tcpTimeout: 1_000, commandTimeout: 5_000 }).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error))
    process.exit(1)
  },
)
