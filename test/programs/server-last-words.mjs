// Prints 200 KB and dies at once.
const line = `${'x'.repeat(99)}\n`
process.stdout.write(line.repeat(2_000))
process.stderr.write('the last words\n')
process.exit(Number(process.argv[2] ?? 9))
