// builds and drops a tree of about 200 KB on every request
import { serve } from './serve.mjs'
const tree = (d) => (d === 0 ? { leaf: Math.random() } : { l: tree(d - 1), r: tree(d - 1), s: `n${d}` })
const size = (t) => (t.l ? size(t.l) + size(t.r) : 1)
serve((req, res) => res.end(String(size(tree(10)))))
