import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { runnerImport } from 'vite'
import { root } from './tool.mjs'

// The pictures in README and docs/guides/report.md: `npm run build && node scripts/screenshots.mjs` makes them anew.
const { module: samples } = await runnerImport(join(root, 'test/unit/report/samples.ts'))
const { summarizeRun } = await import('../dist/report/summary.js')
const { createJsonReport } = await import('../dist/report/json-report.js')
const { renderHtmlReport } = await import('../dist/report/html-report.js')

const INTERVALS = 40
const noise = (seed) => ((Math.sin(seed * 12.9898) * 43_758.5453) % 1) / 2

/** The same figures, with as many intervals and as much unrest as a real server has. */
function lifelike({ type, result, ...artifact }, at) {
  if (type !== 'perf:load') return { type, ...artifact, ...(result && { result }) }
  const step = result.duration / INTERVALS
  const rows = Array.from({ length: INTERVALS }, (_, index) => {
    const near =
      result.samples[Math.min(result.samples.length - 1, Math.floor((index / INTERVALS) * result.samples.length))]
    const jitter = (spread, salt) => 1 + spread * noise(index * 7 + salt + at)
    const { p50, p95, p99, max } = near.latency
    return {
      ...near,
      at: (index + 1) * step,
      duration: step,
      requests: near.requestsPerSecond * jitter(0.12, 1) * (step / 1_000),
      latency: { p50: p50 * jitter(0.1, 2), p95: p95 * jitter(0.2, 3), p99: p99 * jitter(0.35, 4), max },
      errorsByKind: Object.fromEntries(
        Object.entries(near.errorsByKind ?? {}).map(([kind, count]) => [
          kind,
          Math.max(0, Math.round((count / 4) * jitter(1.6, 5))),
        ]),
      ),
    }
  })
  return { type, ...artifact, result: { ...result, samples: rows, latencySpectrum: spectrumThrough(result.latency) } }
}

/** A spectrum through the percentiles of a result, straight between them where both scales are logarithmic. */
function spectrumThrough({ min, p50, p95, p99, max }) {
  const known = [
    [0, min],
    [0.301, p50],
    [1.301, p95],
    [2, p99],
    [4, max],
  ]
  return Array.from({ length: 60 }, (_, index) => {
    const nines = (index / 59) * 3.99
    const at = known.findIndex((_, place) => nines < known[place + 1][0])
    const [[from, low], [to, high]] = [known[at], known[at + 1]]
    return [1 - 10 ** -nines, low * (high / low) ** ((nines - from) / (to - from))]
  })
}

const records = samples
  .exampleRecords()
  .map((record, at) => ({ ...record, artifacts: record.artifacts.map((artifact) => lifelike(artifact, at)) }))
const environment = {
  node: 'v24.21.0',
  vitest: '5.1.1',
  platform: 'linux',
  arch: 'x64',
  release: '6.8.0',
  cpu: 'AMD EPYC 7763 64-Core Processor',
  cores: 4,
  memory: 17_179_869_184,
  ci: 'GitHub Actions',
  commit: '3f2a91c07be54d1c9d0e6a1f3b5c7d9e8f012345',
}
const reportedAt = new Date(Date.UTC(2026, 0, 5, 10, 12))
const report = createJsonReport(summarizeRun([records[1], records[0]]), { state: 'failed', reportedAt }, environment)
mkdirSync(join(root, '.tmp'), { recursive: true })
mkdirSync(join(root, 'docs/images'), { recursive: true })
const page = join(root, '.tmp/screenshot.html')
writeFileSync(page, renderHtmlReport(report))

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
})

/** Chromium itself turns the PNG into a WebP a third as large. */
async function asWebp(png) {
  const tab = await browser.newPage()
  const data = await tab.evaluate(`(async () => {
    const image = new Image()
    image.src = 'data:image/png;base64,${png.toString('base64')}'
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = image.width
    canvas.height = image.height
    canvas.getContext('2d').drawImage(image, 0, 0)
    return canvas.toDataURL('image/webp', 0.82).split(',')[1]
  })()`)
  await tab.close()
  return Buffer.from(data, 'base64')
}

for (const { name, colorScheme, viewport } of [
  { name: 'report-light', colorScheme: 'light', viewport: { width: 1180, height: 1010 } },
  { name: 'report-dark', colorScheme: 'dark', viewport: { width: 1180, height: 1010 } },
  { name: 'report-phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
]) {
  const tab = await browser.newPage({ viewport, colorScheme })
  await tab.goto(pathToFileURL(page).href)
  // Plots are drawn when they come near the view, within a frame or two.
  await tab.waitForTimeout(500)
  const image = await asWebp(await tab.screenshot())
  writeFileSync(join(root, 'docs/images', `${name}.webp`), image)
  console.log(`docs/images/${name}.webp ${Math.round(image.length / 1024)} KB`)
  await tab.screenshot({ path: join(root, '.tmp', `${name}.png`) })
  await tab.close()
}
await browser.close()
