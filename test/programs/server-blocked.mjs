// Answers for a moment, then its event loop is blocked for ever.
process.on('SIGTERM', () => {})
await import('./server-ok.mjs')
setTimeout(() => {
  for (;;);
}, 1_000)
