import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readEnvironment } from '../../src/report/machine.ts'
import { renderHtmlReport } from '../../src/report/html-report.ts'
import { createJsonReport } from '../../src/report/json-report.ts'
import { summarizeRun, type TestRecord } from '../../src/report/summary.ts'
import { capacityOf, comparisonOf, SLOWER } from '../unit/report/compare-samples.ts'
import { exampleRecords, loadArtifact, loadResult, memoryArtifact, testRecord } from '../unit/report/samples.ts'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
if (!CHROMIUM) console.warn('skipped: no Chromium (Debian: apt-get install chromium)')

const HOSTILE = `</script><script>window.pwned=1</script><img src=x onerror="window.pwned=2">"'&amp;\u202Ex`

const folder = mkdtempSync(join(tmpdir(), 'perf-report-'))
let browser: Browser

function htmlOf(records: TestRecord[]): string {
  const environment = readEnvironment(process.cwd(), '4.1.12', {})
  return renderHtmlReport(
    createJsonReport(
      summarizeRun(records),
      { state: 'failed', reportedAt: new Date(Date.UTC(2026, 0, 5)) },
      environment,
    ),
  )
}

function fileOf(name: string, records: TestRecord[]): string {
  const path = join(folder, name)
  writeFileSync(path, htmlOf(records))
  return path
}

interface Opened {
  page: Page
  /** What went wrong in the page, and every address it asked for. */
  complaints: string[]
  requests: string[]
}

async function open(path: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options })
  const complaints: string[] = []
  const requests: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('request', (request) => requests.push(request.url()))
  await page.goto(pathToFileURL(path).href)
  return { page, complaints, requests }
}

// Code for the page stands in strings: the repository's own code has no browser types.

/** Different colours among the pixels of a plot: one that drew nothing has one. */
function colorsIn(page: Page, selector: string): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector(${JSON.stringify(`${selector} canvas`)})
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const seen = new Set()
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] > 200) seen.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2])
    }
    return seen.size
  })()`)
}

describe.skipIf(!CHROMIUM)('the HTML report in Chromium', () => {
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: CHROMIUM!,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('says at first sight whether all holds, and if not, why; asks the network for nothing', async () => {
    const path = fileOf('example.html', exampleRecords())
    const { page, complaints, requests } = await open(path)
    await expect.poll(() => page.locator('h1').innerText()).toBe('✗ 3 of 4 perf tests failed')
    const head = await page.locator('header').boundingBox()
    expect(head!.y + head!.height).toBeLessThan(900)
    expect(await page.locator('header').innerText()).toContain(
      'latency.p99 of "GET /orders" was 84.7 ms, expected < 50 ms (69% over)',
    )
    // What failed stands first and open, what holds last and closed.
    const order = `[...document.querySelectorAll('details.test')].map((test) => test.dataset.verdict + (test.open ? ' open' : ''))`
    expect(await page.evaluate(order)).toEqual(['failed open', 'failed open', 'failed open', 'passed'])
    expect(requests).toEqual([pathToFileURL(path).href])
    expect(complaints).toEqual([])
    await page.close()
  })

  test('plots the spectrum, the series, the errors and the memory, with values under the pointer', async () => {
    const { page, complaints } = await open(fileOf('plots.html', exampleRecords()))
    const titles = await page.locator('#test-2 figcaption').allInnerTexts()
    expect(titles).toEqual([
      'Latency by percentile',
      'Latency over time',
      'Requests/s over time',
      'Errors by kind over time',
    ])
    for (const plot of ['spectrum', 'latency', 'rate', 'errors']) {
      const figure = `#test-2 figure[data-plot=${plot}]`
      await page.locator(figure).scrollIntoViewIfNeeded()
      await page.locator(`${figure} canvas`).waitFor()
      await expect.poll(() => colorsIn(page, figure)).toBeGreaterThan(3)
    }
    const memory = '#test-0 figure[data-plot=memory]'
    await page.locator(memory).scrollIntoViewIfNeeded()
    expect((await page.locator(`${memory} .u-legend`).innerText()).replace(/\s+/g, ' ')).toMatch(
      /heap.*rss.*after collection.*trend/,
    )
    const latency = '#test-2 figure[data-plot=latency]'
    await page.locator(`${latency} .u-over`).hover()
    await expect.poll(() => page.locator(`${latency} .u-legend`).innerText()).toMatch(/p99\s*\d+(\.\d+)? ms/)
    expect(complaints).toEqual([])
    await page.close()
  })

  test('draws a comparison against its tolerance, and a capacity with its knee', async () => {
    const record = testRecord({
      artifacts: [
        {
          type: 'perf:compare',
          id: 'c',
          attempt: 0,
          outcome: 'completed',
          title: HOSTILE,
          comparison: comparisonOf(SLOWER, HOSTILE),
        },
        {
          type: 'perf:capacity',
          id: 'k',
          attempt: 0,
          outcome: 'completed',
          title: HOSTILE,
          capacity: capacityOf(HOSTILE),
        },
      ],
    })
    const { page, complaints, requests } = await open(fileOf('compared.html', [record]))
    await page.evaluate(`for (const test of document.querySelectorAll('details.test')) test.open = true`)
    const compare = page.locator('figure.compare:not(.capacity)')
    expect(await compare.locator('.block').count()).toBe(5 * SLOWER.length)
    expect(await compare.locator('.tolerance').count()).toBe(2)
    const capacity = page.locator('figure.capacity')
    expect(await capacity.locator('circle.held').count()).toBe(2)
    expect(await capacity.locator('circle.slower').count()).toBe(1)
    // The knee goes through the highest rate that held, and the line is seen: it has a colour and a height.
    const [knee, held] = [
      await capacity.locator('.knee').boundingBox(),
      await capacity.locator('circle.held').nth(1).boundingBox(),
    ]
    expect(Math.abs(knee!.x + knee!.width / 2 - (held!.x + held!.width / 2))).toBeLessThan(1)
    expect(knee!.height).toBeGreaterThan(50)
    expect(await capacity.locator('circle.slower title').textContent()).toBe('800/s: p99 300 ms, errors 2.00%')
    expect(await capacity.locator('svg').getAttribute('aria-label')).toContain('It holds 400/s and not 800/s')
    for (const figure of [compare, capacity]) {
      const box = (await figure.locator('svg').first().boundingBox())!
      expect(box.x + box.width).toBeLessThanOrEqual(1280)
      expect(
        await figure.locator('svg').first().evaluate('(svg) => getComputedStyle(svg.querySelector("circle")).fill'),
      ).not.toBe('rgb(0, 0, 0)')
    }
    expect(await page.evaluate('window.pwned')).toBeUndefined()
    expect(requests).toHaveLength(1)
    expect(complaints).toEqual([])
    await page.close()
  })

  test('sorts the table by name by each of its columns, and plots the name that is chosen', async () => {
    const figuresOf = (requests: number, p95: number, samples = 4) => {
      const { latency, errors, statusCodes } = loadResult()
      const rows = Array.from({ length: samples }, (_, at) => ({
        at: (at + 1) * 1_000,
        duration: 1_000,
        requests: requests / samples,
        errors: 0,
        latency: { p50: p95 / 2, p95: p95 * (1 + at) },
      }))
      const figures = { requests, requestsPerSecond: requests / 10, statusCodes, errorRate: 0 }
      const measured = { latency: { ...latency, p50: requests === 0 ? Number.NaN : p95 / 2, p95, p99: p95 }, errors }
      return { ...figures, ...measured, ...(samples === 0 ? {} : { samples: rows }) }
    }
    const byName = {
      'GET /items/:id': figuresOf(900, 3),
      'POST /cart': figuresOf(90, 30),
      'browse <b>': figuresOf(1_000, 12),
      'GET /none': { ...figuresOf(0, Number.NaN, 0) },
    }
    const record = testRecord({ artifacts: [loadArtifact({}, loadResult({ title: 'the shop', byName }))] })
    const { page, complaints } = await open(fileOf('names.html', [record]))
    const names = page.locator('section.names')
    const shown = async () => (await names.locator('.table tbody th').allInnerTexts()).map((text) => text.trim())
    const click = (column: number) => names.locator(`[data-sort="${column}"]`).click()
    const orders = async (column: number) => {
      await click(column)
      const first = await shown()
      await click(column)
      return [first, await shown()]
    }
    // By name, upwards and downwards; figures from the worst; a name without answers last in both orders.
    expect(await orders(0)).toEqual([
      ['browse <b>', 'GET /items/:id', 'GET /none', 'POST /cart'],
      ['POST /cart', 'GET /none', 'GET /items/:id', 'browse <b>'],
    ])
    expect(await orders(4)).toEqual([
      ['POST /cart', 'browse <b>', 'GET /items/:id', 'GET /none'],
      ['GET /items/:id', 'browse <b>', 'POST /cart', 'GET /none'],
    ])
    expect(await names.locator('[aria-sort]').count()).toBe(1)
    const figure = 'section.names figure[data-plot=name]'
    await page.locator(`${figure} canvas`).waitFor()
    const chosen = page.locator(`${figure} [data-chosen]`)
    const pressed = names.locator('[aria-pressed=true]')
    expect([await pressed.innerText(), await chosen.innerText()]).toEqual(['browse <b>', 'browse <b>'])
    const before = await page.locator(figure).screenshot()
    await names.getByRole('button', { name: 'POST /cart' }).click()
    await expect.poll(() => chosen.innerText()).toBe('POST /cart')
    expect([await pressed.count(), await pressed.innerText()]).toEqual([1, 'POST /cart'])
    await expect.poll(() => colorsIn(page, figure)).toBeGreaterThan(3)
    expect((await page.locator(figure).screenshot()).equals(before)).toBe(false)
    // What has no series cannot be chosen.
    expect(await names.getByRole('button', { name: 'GET /none' }).count()).toBe(0)
    expect(complaints).toEqual([])
    await page.close()
  })

  test('shows something of a load that was over after one interval', async () => {
    const short = testRecord({ artifacts: [loadArtifact({}, loadResult({ title: 'short' }, { seconds: 1 }))] })
    const { page, complaints } = await open(fileOf('short.html', [short]))
    const figure = '#test-0 figure[data-plot=rate]'
    await page.locator(`${figure} canvas`).waitFor()
    // The dot is of the colour of its series, which nothing else on the canvas has.
    const dots = `(() => {
      const canvas = document.querySelector('${figure} canvas')
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      let found = 0
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] === 0x0f && data[at + 1] === 0x76 && data[at + 2] === 0x6e && data[at + 3] === 255) found += 1
      }
      return found
    })()`
    await expect.poll(() => page.evaluate(dots)).toBeGreaterThan(0)
    expect(complaints).toEqual([])
    await page.close()
  })

  test('filters by verdict and by name', async () => {
    const { page } = await open(fileOf('filter.html', exampleRecords()))
    const shown = () => page.locator('details.test:visible .title b').allInnerTexts()
    await page.getByRole('button', { name: 'Passed' }).click()
    expect(await shown()).toEqual(['orders > GET /orders/:id holds its SLO'])
    await page.getByRole('button', { name: 'Failed' }).click()
    await page.getByRole('searchbox').fill('ORDERS slo')
    expect(await shown()).toEqual(['orders > GET /orders holds its SLO'])
    await page.getByRole('searchbox').fill('nowhere')
    expect(await page.getByText('No test matches the filter.').isVisible()).toBe(true)
    await page.close()
  })

  test('is worked by keyboard alone', async () => {
    const { page } = await open(fileOf('keyboard.html', exampleRecords()))
    await page.keyboard.press('/')
    await page.keyboard.type(':id')
    expect(await page.locator('details.test:visible').count()).toBe(1)
    await page.keyboard.press('Escape')
    expect(await page.locator('details.test:visible').count()).toBe(4)
    for (let at = 0; at < 4; at += 1) await page.keyboard.press('j')
    expect(await page.evaluate(`document.getElementById('test-3').open`)).toBe(false)
    await page.keyboard.press('Enter')
    await page.locator('#test-3 figure[data-plot=spectrum] canvas').waitFor()
    await page.keyboard.press('k')
    expect(await page.evaluate('document.activeElement.parentElement.id')).toBe('test-2')
    await page.getByRole('link', { name: 'survives a burst' }).press('Enter')
    expect(await page.evaluate('location.hash')).toBe('#test-1')
    await page.close()
  })

  test('has a dark side, also when it changes while the page is open', async () => {
    const { page } = await open(fileOf('dark.html', exampleRecords()), { colorScheme: 'light' })
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const light = await ground()
    await page.locator('#test-0 figure canvas').first().waitFor()
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await ground()).not.toBe(light)
    await expect.poll(() => page.locator('#test-0 figure[data-plot=spectrum] canvas').count()).toBe(1)
    await page.close()
  })

  test('is readable on a phone without scrolling sideways', async () => {
    const { page } = await open(fileOf('phone.html', exampleRecords()), { viewport: { width: 360, height: 740 } })
    await page.getByRole('button', { name: 'Open all' }).click()
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect(overflow).toBeLessThanOrEqual(0)
    for (const label of ['requests/s', 'p50', 'p95', 'p99', 'max', 'errors']) {
      const cell = await page.locator(`#test-2 td[data-label="${label}"]`).boundingBox()
      expect(cell!.x + cell!.width).toBeLessThanOrEqual(360)
    }
    await page.close()
  })

  test('shows hostile names as the text they are', async () => {
    const records = [
      testRecord({
        path: [HOSTILE],
        file: `${HOSTILE}.ts`,
        state: 'failed',
        errors: [{ name: 'E', message: HOSTILE }],
        artifacts: [
          loadArtifact({}, loadResult({ title: HOSTILE }, { slowAt: 2 })),
          memoryArtifact({ target: HOSTILE }),
          {
            type: 'perf:server',
            id: 's',
            attempt: 0,
            event: 'exited',
            source: HOSTILE,
            output: `${HOSTILE}\n${HOSTILE}`,
            exitCode: 1,
          },
          {
            type: 'perf:threshold',
            id: 't',
            attempt: 0,
            title: HOSTILE,
            outcomes: [{ metric: `latency.${HOSTILE}`, expression: '<1', value: 2, passed: false }],
          },
        ],
      }),
    ]
    const { page, complaints, requests } = await open(fileOf('hostile.html', records))
    await page.locator('canvas').first().waitFor()
    expect(await page.evaluate('window.pwned')).toBeUndefined()
    expect(await page.locator('.title b').innerText()).toContain('<img src=x onerror="window.pwned=2">')
    expect(await page.locator('img').count()).toBe(0)
    expect(complaints).toEqual([])
    expect(requests).toHaveLength(1)
    await page.close()
  })

  test('opens without its script', async () => {
    const { page } = await open(fileOf('scriptless.html', exampleRecords()), { javaScriptEnabled: false })
    expect(await page.locator('#test-2 table').first().innerText()).toContain('84.7 ms')
    await page.close()
  })
})
