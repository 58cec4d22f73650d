import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { compareCensuses, takeCensus, type HeapCensus, type HeapSnapshot } from './heap-census.ts'

// Entry of the thread that compares two heap snapshots. It takes some seconds and some hundred megabytes, which neither
// the spec's thread nor the watched server should spend.

/** How many kinds are worth naming. */
const MOST = 10

function censusOf(file: string): HeapCensus {
  return takeCensus(JSON.parse(readFileSync(file, 'utf8')) as HeapSnapshot)
}

const { before, after } = workerData as { before: string; after: string }
parentPort?.postMessage(compareCensuses(censusOf(before), censusOf(after), MOST))
