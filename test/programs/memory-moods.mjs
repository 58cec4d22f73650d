// A server whose event loop can be blocked (`/block?ms`) and that can be made to die (`/die`).
import { serveVariant } from './serve-variant.mjs'

serveVariant({
  moody: () => (req, res) => {
    const url = new URL(req.url, 'http://127.0.0.1')
    res.end('ok', () => {
      if (url.pathname === '/die') process.exit(3)
      const until = performance.now() + Number(url.searchParams.get('ms') ?? 0)
      while (performance.now() < until);
    })
  },
})
