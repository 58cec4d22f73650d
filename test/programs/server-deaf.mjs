// Ignores every polite request to end.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])
  process.on(signal, () => console.log(`ignored ${signal}`))
await import('./server-ok.mjs')
