// express app with a home-made session store that never expires sessions of cookie-less clients (~1 KB)
import express from 'express'
import { randomUUID } from 'node:crypto'
class SessionStore {
  #sessions = new Map()
  open(user) {
    const id = randomUUID()
    const session = {
      id,
      user,
      createdAt: new Date(),
      cart: [],
      flash: { info: [], error: [] },
      csrf: randomUUID(),
      visits: new Array(60).fill(0.5),
    } // LEAK
    this.#sessions.set(id, session) // LEAK
    return session
  }
}
const store = new SessionStore()
const app = express()
app.use((req, res, next) => {
  if (req.path !== '/health') req.session = store.open({ name: 'anonymous', ua: req.get('user-agent') })
  next()
})
app.get('/health', (req, res) => res.send('ok'))
app.get('/work', (req, res) => res.cookie('sid', req.session.id).json({ items: req.session.cart.length }))
app.listen(Number(process.env.PORT), '127.0.0.1')
