#!/usr/bin/env node
// `npx vitest-plugin-perf …`: arguments only; each command is a module of its own, loaded when it is named.
import process from 'node:process'
import { cac } from 'cac'
import { packageVersion } from '../package-version.ts'
import type { WorkerArguments } from './worker.ts'

const cli = cac('vitest-plugin-perf')

cli
  .command('init', 'Write the config and a first spec for the project in this folder')
  .option('--dry-run', 'Say what would be written, and write nothing')
  .action(async ({ dryRun }: { dryRun?: boolean }) => {
    const { initProject } = await import('./init.ts')
    console.log(initProject(process.cwd(), { write: dryRun !== true }).join('\n'))
  })

cli
  .command('worker', 'Generate the loads of a Locust master, here or on another machine')
  .option('--master <host:port>', 'Where the master listens, such as 10.0.0.5:5557')
  .option('--processes <n>', "Load processes, or 'auto': one less than this machine has cores", { default: 1 })
  .option('--allow <target>', 'Load these targets only, such as http://10.0.0.7:3000 (may be given several times)')
  .option('--exit-after <time>', 'End after this time without a master, such as 5m')
  .action(async (options: WorkerArguments) => {
    const { runWorker } = await import('./worker.ts')
    await runWorker(options)
  })

cli.help()
cli.version(packageVersion())

try {
  cli.parse(process.argv, { run: false })
  if (!cli.matchedCommand && cli.args.length > 0) {
    throw new Error(`Unknown command \`${cli.args[0]}\`; see \`npx vitest-plugin-perf --help\``)
  }
  if (!cli.matchedCommand && !cli.options.help && !cli.options.version) {
    const [unknown] = Object.keys(cli.options).filter((name) => name !== '--')
    if (unknown !== undefined) {
      throw new Error(`Unknown option \`--${unknown}\`; see \`npx vitest-plugin-perf --help\``)
    }
    cli.outputHelp()
  }
  await cli.runMatchedCommand()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
