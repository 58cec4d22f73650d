// compiled user patterns are cached for ever (pattern contains the search text)
import { serve } from './serve.mjs'
const compiled = {}
const text = 'the quick brown fox jumps over the lazy dog '.repeat(3)
let n = 0
function pattern(term) {
  return (compiled[term] ??= new RegExp(`\\b(${term})[a-z]*(?=\\s|$)`, 'giu')) // LEAK
}
serve((req, res) => res.end(String(text.replace(pattern(`jum|q${++n}`), '*').length)))
