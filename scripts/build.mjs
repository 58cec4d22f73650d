import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { binary, root, run } from './tool.mjs'

rmSync(join(root, 'dist'), { recursive: true, force: true })
run(binary('typescript', 'tsc'), ['-p', 'tsconfig.build.json'])
