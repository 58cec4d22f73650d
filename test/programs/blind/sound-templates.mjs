// 120 view templates compiled on first use, picked at random
import { serve } from './serve.mjs'
const compiled = new Map()
function view(name) {
  let fn = compiled.get(name)
  if (!fn) {
    const source = Array.from(
      { length: 40 },
      (_, i) => `out += '<p class="${name}-${i}">' + (data.v + ${i}) + '</p>'`,
    ).join('\n')
    compiled.set(name, (fn = new Function('data', `let out = ''\n${source}\nreturn out`)))
  }
  return fn
}
serve((req, res) => res.end(view(`v${Math.floor(Math.random() * 120)}`)({ v: Math.random() })))
