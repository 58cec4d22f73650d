// sliding expiry of 1 s for 500 users, Zipf-like, each with a timer
import { serve } from './serve.mjs'
const sessions = new Map()
function touch(user) {
  let s = sessions.get(user)
  if (!s) sessions.set(user, (s = { user, cart: new Array(100).fill(user), timer: null }))
  clearTimeout(s.timer)
  s.timer = setTimeout(() => sessions.delete(user), 1_000)
  return s
}
serve((req, res) => res.end(touch(Math.floor(500 * Math.random() ** 2)).cart.length + ''))
