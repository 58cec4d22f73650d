import { join } from 'node:path'
import { binary, root, run } from './tool.mjs'

run('scripts/build.mjs')
run(binary('vitest'), ['run', '--reporter=perf'], { cwd: join(root, 'examples/orders-api') })
