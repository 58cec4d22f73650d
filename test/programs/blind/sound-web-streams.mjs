// web streams: TransformStream and CompressionStream per request
import { serve } from './serve.mjs'
import { Readable } from 'node:stream'
serve((req, res) => {
  const source = new ReadableStream({
    start(c) {
      for (let i = 0; i < 5; i += 1) c.enqueue(Buffer.from(`chunk ${i} ${Math.random()}`.repeat(20)))
      c.close()
    },
  })
  const upper = new TransformStream({
    transform(chunk, c) {
      c.enqueue(Buffer.from(chunk.toString().toUpperCase()))
    },
  })
  Readable.fromWeb(source.pipeThrough(upper).pipeThrough(new CompressionStream('gzip'))).pipe(res)
})
