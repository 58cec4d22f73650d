// reservoir of 1028 samples (objects), full at request 1028
import { serve } from './serve.mjs'
const reservoir = []
let seen = 0
serve((req, res) => {
  const sample = { value: Math.random(), labels: { route: req.url, zone: `z${seen % 5}` }, at: new Date() }
  seen += 1
  if (reservoir.length < 1028) reservoir.push(sample)
  else {
    const i = Math.floor(Math.random() * seen)
    if (i < 1028) reservoir[i] = sample
  }
  res.end('sampled')
})
