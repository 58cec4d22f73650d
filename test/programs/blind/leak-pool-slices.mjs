// Buffer.from(short text) kept: slices of the 8 KB pool
import { serve } from './serve.mjs'
const tokens = []
let n = 0
function issueToken(id) {
  const token = Buffer.from(`token-${id}-`.padEnd(120, 'x')) // LEAK
  tokens.push(token)
  return token
}
serve((req, res) => res.end(issueToken(++n)))
