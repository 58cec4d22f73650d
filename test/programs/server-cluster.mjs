// A cluster whose primary replaces every worker that ends.
import cluster from 'node:cluster'
if (cluster.isPrimary) {
  process.on('SIGTERM', () => {})
  cluster.on('exit', () => cluster.fork())
  for (let count = 0; count < 2; count += 1) cluster.fork()
} else {
  await import('./server-ok.mjs')
}
