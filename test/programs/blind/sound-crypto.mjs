// pbkdf2, AES-GCM and random bodies on every request
import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto'
import { serve } from './serve.mjs'
serve((req, res) => {
  pbkdf2('secret', randomBytes(16), 100, 32, 'sha256', (error, key) => {
    const cipher = createCipheriv('aes-256-gcm', key, randomBytes(12))
    const sealed = Buffer.concat([cipher.update(randomBytes(4000)), cipher.final()])
    res.end(sealed.subarray(0, 100))
  })
})
