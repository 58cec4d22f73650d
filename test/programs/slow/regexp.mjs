import { serve } from './serve.mjs'

function isName(text) {
  return /^(\w+\s?)*$/.test(text)
}

serve(() => ({ ok: isName('aaaaaaaaaaaaaaaaaaaa!') }))
