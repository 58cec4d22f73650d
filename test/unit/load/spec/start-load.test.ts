import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LoadGenerator } from '../../../../src/load/spec/load-generator.ts'
import { bundleWith } from '../../../../src/load/spec/scenario-source.ts'
import { rejection } from '../../rejection.ts'

const folder = mkdtempSync(join(tmpdir(), 'start-load-'))
writeFileSync(join(folder, 'shop.scenario.ts'), 'export default () => {}')
afterAll(() => rmSync(folder, { recursive: true }))

describe('a load of a scenario that is aborted while its module is bundled', () => {
  const controller = new AbortController()
  let bundled = 0
  bundleWith({
    root: () => folder,
    bundle() {
      bundled += 1
      setTimeout(() => controller.abort('user left'), 10)
      return new Promise(() => {})
    },
  })
  const load = (signal: AbortSignal) =>
    rejection(new LoadGenerator().generateLoad({ url: 'http://127.0.0.1:1/', scenario: 'shop.scenario.ts', signal }))

  it('rejects at once', async () => {
    const error = await load(controller.signal)
    expect(error).toMatchObject({ code: 'PERF_ABORTED', cause: 'user left', partial: { requests: 0, aborted: true } })
    expect(error.message).toBe('The load was aborted by its signal: user left')
    expect(bundled).toBe(1)
  })

  it('is not bundled at all if it was aborted before', async () => {
    expect(await load(AbortSignal.abort({ odd: true }))).toMatchObject({
      message: 'The load was aborted by its signal: { odd: true }',
      cause: { odd: true },
    })
    expect(bundled).toBe(1)
  })
})
