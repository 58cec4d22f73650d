import { spawn } from 'node:child_process'

/** Wall-clock milliseconds of a command, with its output when it fails. */
export function timeCommand(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve({ milliseconds: performance.now() - started, output })
      else reject(new Error(`${file} ${args.join(' ')} ended with ${code}:\n${output}`))
    })
  })
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Runs the contestants in turn, round by round, so that the machine's moods hit all alike. */
export async function inTurn(rounds, contestants) {
  const results = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    const names = Object.keys(contestants)
    // Every other round backwards: who goes first must not matter.
    for (const name of round % 2 === 0 ? names : names.toReversed()) results[name].push(await contestants[name]())
  }
  return results
}

/** One line: the medians, the median of the ratios round by round (a mood of the machine hits both of a round), and the goal. */
export function printRatio(title, [nameA, a], [nameB, b], { unit = '', goal } = {}) {
  const ratio = a.length === b.length ? median(a.map((value, round) => value / b[round])) : median(a) / median(b)
  const digits = (value) => Number(value.toPrecision(4))
  const verdict = goal ? `  (goal: ${goal})` : ''
  console.log(
    `${title}: ${nameA} ${digits(median(a))}${unit}, ${nameB} ${digits(median(b))}${unit}, ratio ${ratio.toFixed(3)}${verdict}`,
  )
  return ratio
}
