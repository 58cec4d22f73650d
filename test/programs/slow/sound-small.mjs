import { serve } from './serve.mjs'

serve(() => ({ ok: true }))
