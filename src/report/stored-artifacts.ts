import type { TestCase } from 'vitest/node'

/**
 * Vitest keeps every artifact with its test until the process ends. Progress is of use only while it is new, and an hour
 * of it must not grow the process: it is taken out of that list again.
 */
export function dropStoredProgress(testCase: TestCase, artifact: object): void {
  const stored = (testCase as unknown as { task?: { artifacts?: unknown } }).task?.artifacts
  if (!Array.isArray(stored)) return
  const at = stored.lastIndexOf(artifact)
  if (at !== -1) stored.splice(at, 1)
}
