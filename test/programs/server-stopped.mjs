// Is stopped, as by Ctrl-Z, soon after it listens.
await import('./server-ok.mjs')
setTimeout(() => process.kill(process.pid, 'SIGSTOP'), 800)
