import { pbkdf2Sync } from 'node:crypto'
import { serve } from './serve.mjs'

function hashPassword(password) {
  return pbkdf2Sync(password, 'salt', 20_000, 32, 'sha256').toString('hex')
}

serve(() => ({ hash: hashPassword('secret') }))
