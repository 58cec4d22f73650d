'use strict'
{
  const plots = JSON.parse(document.getElementById('plots').textContent)
  const HEIGHT = 210
  // 0, 50, 75, 90, 95, 99, 99.9 … percent, as 1 / (1 - percentile).
  const PERCENTILES = [1, 2, 4, 10, 20, 100, 1000, 1e4, 1e5, 1e6]
  const FEW_PERCENTILES = [1, 10, 100, 1000, 1e4, 1e5, 1e6]
  const BYTE_STEPS = Array.from({ length: 34 }, (_, power) => 2 ** power)

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

  const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2))
  const short = (value) => String(Number(value.toPrecision(3)))
  const text = {
    ms: (value) => (value == null ? '' : value >= 1000 ? `${digits(value / 1000)} s` : `${digits(value)} ms`),
    msTick: (value) => (value >= 1000 ? `${short(value / 1000)} s` : `${short(value)} ms`),
    count: (value) => (value == null ? '' : Number(value.toPrecision(4)).toLocaleString('en')),
    bytes: (value) => {
      if (value == null) return ''
      const units = ['B', 'KB', 'MB', 'GB']
      const unit = Math.min(3, Math.max(0, Math.floor(Math.log2(Math.max(1, Math.abs(value))) / 10)))
      return `${short(value / 1024 ** unit)} ${units[unit]}`
    },
    seconds: (value) => (value == null ? '' : value >= 120 ? `${short(value / 60)} min` : `${short(value)} s`),
    percentile: (value) => {
      if (value == null) return ''
      return `${Number((100 - 100 / value).toFixed(Math.max(0, Math.ceil(Math.log10(value)) - 1)))}%`
    },
  }

  const axis = (format, extra = {}) => ({
    stroke: color('soft'),
    grid: { stroke: color('line'), width: 1 },
    ticks: { stroke: color('line'), width: 1 },
    font: '12px system-ui, sans-serif',
    values: (_, ticks) => ticks.map((tick) => (tick == null ? '' : format(tick))),
    ...extra,
  })

  const line = (label, stroke, format, extra = {}) => ({
    label,
    stroke: color(stroke),
    width: 2,
    points: { show: false },
    spanGaps: true,
    value: (_, value) => format(value),
    ...extra,
  })

  /** Dashed lines for what was promised, named at the right end. */
  const boundLines = (bounds) => (u) => {
    const { ctx, bbox } = u
    const ratio = devicePixelRatio || 1
    ctx.save()
    ctx.font = `${12 * ratio}px system-ui, sans-serif`
    ctx.textAlign = 'right'
    ctx.lineWidth = 1.5 * ratio
    ctx.setLineDash([6 * ratio, 4 * ratio])
    for (const { value, label, passed } of bounds) {
      const y = u.valToPos(value, 'y', true)
      if (!(y >= bbox.top - 1 && y <= bbox.top + bbox.height + 1)) continue
      ctx.strokeStyle = ctx.fillStyle = color(passed ? 'good' : 'bad')
      ctx.beginPath()
      ctx.moveTo(bbox.left, y)
      ctx.lineTo(bbox.left + bbox.width, y)
      ctx.stroke()
      const above = y - bbox.top > 18 * ratio
      ctx.fillText(`${passed ? '✓' : '✗'} ${label}`, bbox.left + bbox.width - 4 * ratio, y + (above ? -5 : 14) * ratio)
    }
    ctx.restore()
  }

  const withBounds = (bounds, low, high) => {
    const values = bounds.map(({ value }) => value).filter((value) => value > 0)
    return [Math.min(low, ...values), Math.max(high, ...values)]
  }

  /** All of the load, from its start to its end: points stand in the middle of their intervals. */
  const wholeLoad = (end, seconds) => ({
    time: false,
    range: (u, low, high) => {
      const zoomed = low != null && high != null && seconds.length > 1 && (low > seconds[0] || high < seconds.at(-1))
      return zoomed ? [low, high] : [0, Math.max(end, seconds.at(-1) ?? 0, 0.001)]
    },
  })

  /** When we made the server stand still: bands behind the lines, named once. */
  const pauseMarks = (marks) => (u) => {
    if (marks.length === 0) return
    const { ctx, bbox } = u
    const ratio = devicePixelRatio || 1
    ctx.save()
    for (const { from, to } of marks) {
      const left = u.valToPos(from, 'x', true)
      const right = Math.max(left + 2 * ratio, u.valToPos(to, 'x', true))
      if (right < bbox.left || left > bbox.left + bbox.width) continue
      ctx.fillStyle = `${color('unsure')}44`
      ctx.fillRect(left, bbox.top, right - left, bbox.height)
    }
    ctx.restore()
  }

  /** Of a logarithmic scale the 1, 2 and 5 of each decade. */
  const roundSteps = (_, splits) =>
    splits.map((value) =>
      [1, 2, 5].includes(Number((value / 10 ** Math.floor(Math.log10(value))).toPrecision(3))) ? value : null,
    )

  const positive = (values) => values.map((value) => (value == null ? null : Math.max(value, 0.001)))

  /** From zero, with room for the promises. */
  const fromZero = (bounds) => (_, low, high) => {
    const top = withBounds(bounds, 0, high ?? 1)[1]
    return [0, top > 0 ? top * 1.12 : 1]
  }

  const timeAxis = (label = 'from the start') =>
    axis(text.seconds, { size: 34, label, labelSize: 20, labelFont: '12px system-ui, sans-serif' })

  const kinds = {
    spectrum({ loads }, entry) {
      const { spectrum, latencyBounds } = loads[entry]
      return {
        data: [spectrum.map(([at]) => at), positive(spectrum.map(([, value]) => value))],
        bounds: latencyBounds,
        scales: {
          x: { time: false, distr: 3, range: (_, low, high) => [Math.max(1, low), Math.max(high, 10)] },
          y: {
            distr: 3,
            range: (_, low, high) => {
              const [from, to] = withBounds(latencyBounds, low ?? 1, high ?? 10)
              return [from / 1.3, to * 1.6]
            },
          },
        },
        series: [
          { label: 'percentile', value: (_, value) => text.percentile(value) },
          line('latency', 'c1', text.ms, { fill: `${color('c1')}22` }),
        ],
        axes: [
          axis(text.percentile, {
            size: 34,
            label: 'of the requests are faster',
            labelSize: 20,
            labelFont: '12px system-ui, sans-serif',
            splits: (u) => (u.width < 420 ? FEW_PERCENTILES : PERCENTILES).filter((at) => at <= u.scales.x.max),
            filter: (_, ticks) => ticks,
          }),
          axis(text.msTick, { size: 64, filter: roundSteps }),
        ],
      }
    },
    latency({ loads }, entry) {
      const { series, latencyBounds, end, marks } = loads[entry]
      return {
        data: [series.seconds, series.p50, series.p95, series.p99],
        bounds: latencyBounds,
        marks,
        scales: { x: wholeLoad(end, series.seconds), y: { range: fromZero(latencyBounds) } },
        series: [
          { label: 'at', value: (_, value) => text.seconds(value) },
          line('p50', 'c1', text.ms),
          line('p95', 'c2', text.ms),
          line('p99', 'c3', text.ms),
        ],
        axes: [timeAxis(), axis(text.msTick, { size: 64 })],
      }
    },
    rate({ loads }, entry) {
      const { series, rateBounds, end, marks } = loads[entry]
      return {
        data: [series.seconds, series.rate],
        bounds: rateBounds,
        marks,
        scales: { x: wholeLoad(end, series.seconds), y: { range: fromZero(rateBounds) } },
        series: [
          { label: 'at', value: (_, value) => text.seconds(value) },
          line('requests/s', 'c4', text.count, { fill: `${color('c4')}22` }),
        ],
        axes: [timeAxis(), axis(text.count, { size: 64 })],
      }
    },
    errors({ loads }, entry) {
      const { series, end, marks } = loads[entry]
      const names = Object.keys(series.errors)
      const dropped = series.dropped.some(Boolean)
      return {
        data: [series.seconds, ...names.map((name) => series.errors[name]), ...(dropped ? [series.dropped] : [])],
        bounds: [],
        marks,
        scales: { x: wholeLoad(end, series.seconds), y: { range: fromZero([]) } },
        series: [
          { label: 'at', value: (_, value) => text.seconds(value) },
          ...names.map((name, index) =>
            line(name, `c${[3, 2, 5, 1, 4, 6][index % 6]}`, text.count, { points: { show: true, size: 5 } }),
          ),
          ...(dropped ? [line('dropped', 'soft', text.count, { dash: [6, 4] })] : []),
        ],
        axes: [timeAxis(), axis(text.count, { size: 64 })],
      }
    },
    name({ loads }, entry, figure) {
      const { names, end, marks } = loads[entry]
      const { name, series } = names[Number(figure.dataset.name)]
      figure.querySelector('[data-chosen]').textContent = name
      return {
        data: [series.seconds, series.p50, series.p95],
        bounds: [],
        marks,
        scales: { x: wholeLoad(end, series.seconds), y: { range: fromZero([]) } },
        series: [
          { label: 'at', value: (_, value) => text.seconds(value) },
          line('p50', 'c1', text.ms),
          line('p95', 'c2', text.ms),
        ],
        axes: [timeAxis(), axis(text.msTick, { size: 64 })],
      }
    },
    memory({ memory }, entry) {
      const { seconds, heap, rss, floor, trend, figure } = memory[entry]
      const has = (column) => column.some((value) => value != null)
      const columns = [
        ...(figure === 'heap' && has(heap) ? [[heap, line('heap', 'c1', text.bytes, { width: 1.5 })]] : []),
        ...(has(rss) ? [[rss, line('rss', 'soft', text.bytes, { width: 1.5, show: figure === 'rss' })]] : []),
        ...(has(floor)
          ? [
              [
                floor,
                line('after collection', 'c4', text.bytes, {
                  width: 0,
                  points: { show: true, size: 7, fill: color('c4') },
                  paths: () => null,
                }),
              ],
            ]
          : []),
        ...(has(trend) ? [[trend, line('trend', 'c3', text.bytes, { dash: [8, 4] })]] : []),
      ]
      return {
        data: [seconds, ...columns.map(([column]) => column)],
        bounds: [],
        scales: { x: { time: false }, y: { range: fromZero([]) } },
        series: [{ label: 'at', value: (_, value) => text.seconds(value) }, ...columns.map(([, series]) => series)],
        axes: [timeAxis(), axis(text.bytes, { size: 70, incrs: BYTE_STEPS })],
      }
    },
  }

  const drawn = new Map()

  /** What the bands mean stands below the plot. */
  const legend = (figure, marks) => {
    figure.querySelector('.marks')?.remove()
    if (marks.length === 0) return
    const kinds = new Set(marks.map(({ label }) => label))
    const names = [...kinds].map((kind) => (kind === 'snapshot' ? 'a heap snapshot' : 'a forced collection'))
    const note = document.createElement('p')
    note.className = 'marks'
    note.textContent = `Bands: ${names.join(' or ')} of the memory watch, not the server's own`
    figure.append(note)
  }

  const draw = (figure) => {
    const test = Number(figure.closest('.test').id.slice('test-'.length))
    const kind = kinds[figure.dataset.plot]
    const { data, bounds, marks = [], ...options } = kind(plots.tests[test], Number(figure.dataset.entry), figure)
    // Of so few values a line alone would show little, and of a single one nothing.
    options.series.forEach((series, at) => {
      const values = data[at].filter((value) => value != null).length
      if (at > 0 && values <= 12 && series.points?.show !== true) series.points = { show: true, size: 6 }
    })
    const place = figure.querySelector('.plot')
    drawn.get(figure)?.destroy()
    legend(figure, marks)
    drawn.set(
      figure,
      new uPlot(
        {
          ...options,
          width: Math.max(200, place.clientWidth),
          height: HEIGHT,
          cursor: { drag: { x: true, y: false } },
          hooks: { drawAxes: [pauseMarks(marks)], draw: [boundLines(bounds)] },
        },
        data,
        place,
      ),
    )
  }

  for (const figure of document.querySelectorAll('figure[data-plot="name"]'))
    figure.addEventListener('redraw', () => draw(figure))

  const view = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting && !drawn.has(target)) draw(target)
    },
    { rootMargin: '400px' },
  )
  for (const figure of document.querySelectorAll('figure[data-plot]')) view.observe(figure)

  const resize = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const plot = drawn.get(target)
      const width = target.querySelector('.plot').clientWidth
      if (plot && width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT })
    }
  })
  for (const figure of document.querySelectorAll('figure[data-plot]')) resize.observe(figure)

  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const figure of drawn.keys()) draw(figure)
  })
}
