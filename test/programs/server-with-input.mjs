// Ends when its input does, as `esbuild --serve` does.
import './server-ok.mjs'
process.stdin.on('end', () => process.exit(0)).resume()
