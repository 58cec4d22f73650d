// Listens only after some time.
setTimeout(() => import('./server-ok.mjs'), Number(process.argv[2] ?? 300))
