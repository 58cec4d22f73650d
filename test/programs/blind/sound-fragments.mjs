// 4000 prefilled slots whose values are replaced at random by others of different sizes
import { serve } from './serve.mjs'
const make = () =>
  Math.random() < 0.5
    ? 'y'.repeat(Math.floor(Math.random() * 40)) + Math.random()
    : new Array(Math.floor(Math.random() * 120)).fill(1.5)
const slots = Array.from({ length: 4000 }, make)
serve((req, res) => {
  for (let i = 0; i < 10; i += 1) slots[Math.floor(Math.random() * 4000)] = make()
  res.end('replaced')
})
