import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from './serve.mjs'

const file = join(tmpdir(), `slow-sync-fs-${process.pid}.txt`)
writeFileSync(file, 'x'.repeat(2_000_000))

function readTemplate() {
  return readFileSync(file, 'utf8').length
}

serve(() => ({ length: readTemplate() }))
