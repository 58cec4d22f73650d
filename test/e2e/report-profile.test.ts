import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createJsonReport } from '../../src/report/json-report.ts'
import { readEnvironment } from '../../src/report/machine.ts'
import { renderHtmlReport } from '../../src/report/html-report.ts'
import { summarizeRun } from '../../src/report/summary.ts'
import type { FlameNode, LoadProfile } from '../../src/results/profile-result.ts'
import type { PerfProfileArtifact } from '../../src/vitest/artifacts.ts'
import { testRecord } from '../unit/report/samples.ts'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)

const HOSTILE = `</script><img src=x onerror="window.pwned=1">`

function flame(depth: number, width: number): FlameNode[] {
  if (depth === 0) return []
  return Array.from({ length: 2 }, (_, index) => ({
    name: depth === 4 && index === 0 ? 'handle' : index === 0 ? 'parseTokens' : HOSTILE,
    location: `src/auth.ts:${depth}${index}`,
    code: index === 0 ? 'own' : 'node',
    value: width / 2,
    children: flame(depth - 1, width / 2),
  }))
}

const profile: LoadProfile = {
  repeated: true,
  duration: 5_000,
  requests: 400,
  isolates: [
    {
      pid: 4711,
      threadId: 0,
      eventLoopUtilization: 0.98,
      serving: 0.99,
      cpu: { user: 0.86, idle: 0.02, gc: 0.12 },
      hot: [
        { function: 'parseTokens', location: 'src/auth.ts:42', self: 0.6, total: 0.61, code: 'own', attributed: 0.61 },
      ],
      flame: flame(5, 4_000),
      duration: 5_000,
    },
  ],
  waits: [
    {
      what: HOSTILE,
      kind: 'http',
      count: 16_400,
      perRequest: 41,
      time: 3_000,
      share: 0.6,
      p50: 0.2,
      p99: 1,
      failed: 0,
    },
  ],
  files: ['/tmp/orders-1-4711.cpuprofile'],
  summary: ['The event loop was 98 % busy; 61 % of it in parseTokens (src/auth.ts:42).'],
}
const artifact: PerfProfileArtifact = { type: 'perf:profile', id: 'profile-1', attempt: 0, profile }

const folder = mkdtempSync(join(tmpdir(), 'perf-profile-'))
let browser: Browser

function fileOf(tests: number): string {
  const records = Array.from({ length: tests }, (_, index) =>
    testRecord({ path: [`orders ${index}`], state: 'failed', artifacts: [artifact] }),
  )
  const json = createJsonReport(
    summarizeRun(records),
    { state: 'failed', reportedAt: new Date(0) },
    readEnvironment('/', '4.1.12', {}),
  )
  const path = join(folder, `report-${tests}.html`)
  writeFileSync(path, renderHtmlReport(json))
  return path
}

describe.skipIf(!CHROMIUM)('the profile on the page', () => {
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: CHROMIUM as string,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-sync',
      ],
    })
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each(['light', 'dark'] as const)(
    'draws a flame graph that can be searched and walked by keyboard, %s',
    async (colorScheme) => {
      const page = await browser.newPage({ viewport: { width: 1_200, height: 900 }, colorScheme })
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on(
        'console',
        (message) => void (['error', 'warning'].includes(message.type()) && complaints.push(message.text())),
      )
      await page.goto(pathToFileURL(fileOf(1)).href)
      const frames = page.locator('.flame g.frame')
      expect(await frames.count()).toBe(1 + 2 + 4 + 8 + 16 + 32)

      await page.locator('.flame input').fill('parsetok')
      expect(await page.locator('.flame .detail').textContent()).toMatch(/^\d+ found, the largest \d+ ms/)

      await page.locator('.flame input').fill('')
      await frames.nth(1).focus()
      const described = await page.locator('.flame .detail').textContent()
      expect(described).toMatch(/\(src\/auth\.ts:\d+\): [\d.]+ ms, [\d.]+ % of the busy time$/)
      const width = async () => (await frames.nth(1).boundingBox())?.width ?? 0
      const before = await width()
      await page.keyboard.press('Enter')
      await expect.poll(width).toBeGreaterThan(before * 1.5)
      await page.keyboard.press('Escape')
      await expect.poll(width).toBeLessThan(before * 1.1)

      expect(await page.locator('.profile').textContent()).toContain('61 % of it in parseTokens (src/auth.ts:42)')
      expect(await page.evaluate('window.pwned')).toBeUndefined()
      expect(complaints).toEqual([])
      await page.close()
    },
  )

  test('fits on a phone', async () => {
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } })
    await page.goto(pathToFileURL(fileOf(1)).href)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
    await page.close()
  })

  test('stays under 600 KB for ten tests', async () => {
    const { size } = await import('node:fs/promises').then(({ stat }) => stat(fileOf(10)))
    expect(size).toBeLessThan(600_000)
  })
})
