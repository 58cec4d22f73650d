// Prints as fast as it can, for ever.
await import('./server-ok.mjs')
const line = `${'y'.repeat(1_023)}\n`
setInterval(() => process.stdout.write(line.repeat(512)), 5)
