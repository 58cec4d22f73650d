import { readFile } from 'node:fs/promises'
import { serve } from './serve.mjs'

serve(async () => ({ length: (await readFile(new URL(import.meta.url))).length }))
