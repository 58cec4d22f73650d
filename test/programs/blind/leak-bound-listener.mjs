// EventEmitter: off() is given a newly bound function, so nothing is ever removed (~250 B)
import { EventEmitter } from 'node:events'
import { serve } from './serve.mjs'
const bus = new EventEmitter().setMaxListeners(0)
class PriceWatcher {
  constructor(symbol) {
    this.symbol = symbol
    this.last = 0
    this.history = [1.5, 2.5, 3.5]
  }
  onPrice(price) {
    this.last = price
  }
  start() {
    bus.on('price', this.onPrice.bind(this))
  } // LEAK
  stop() {
    bus.off('price', this.onPrice.bind(this))
  }
}
serve(function quote(req, res) {
  const watcher = new PriceWatcher('ACME') // LEAK
  watcher.start()
  setImmediate(() => {
    watcher.stop()
    res.end(String(watcher.last))
  })
})
