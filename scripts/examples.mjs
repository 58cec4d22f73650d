import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { binary, root, run } from './tool.mjs'

// Every example is a project as a user has it; each must end green, on the package as it is built.
for (const name of readdirSync(join(root, 'examples'), { withFileTypes: true })) {
  if (!name.isDirectory()) continue
  console.log(`\n  examples/${name.name}`)
  run(binary('vitest'), ['run', '--reporter=perf'], { cwd: join(root, 'examples', name.name) })
}
