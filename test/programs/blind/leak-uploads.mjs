// multer-like memory storage: 20 KB upload buffers stay in the index "until processed"
import express from 'express'
const uploads = new Map()
let n = 0
function storeUpload(body) {
  const id = `upload-${++n}`
  uploads.set(id, { id, buffer: Buffer.concat([body, Buffer.from(id)]), status: 'pending' }) // LEAK
  return id
}
const app = express()
app.get('/health', (req, res) => res.send('ok'))
app.get('/work', (req, res) => res.json({ id: storeUpload(Buffer.alloc(20_000, 1)) }))
app.listen(Number(process.env.PORT), '127.0.0.1')
