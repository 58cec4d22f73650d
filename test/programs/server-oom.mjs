// Runs out of memory a moment after it listens.
await import('./server-ok.mjs')
const hoard = []
setTimeout(() => {
  for (;;) hoard.push(Array.from({ length: 100_000 }, () => ({ hoard })))
}, 500)
