import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { compatFolder, installBuiltPackage, MAJORS } from './installed-package.ts'

export async function setup(): Promise<void> {
  await installBuiltPackage()
}

export async function teardown(): Promise<void> {
  for (const major of MAJORS) await rm(join(compatFolder(major), '.tmp'), { recursive: true, force: true })
}
