'use strict'
{
  const COLORS = { own: '--c2', dependency: '--c1', node: '--line' }
  const create = typeof flamegraph === 'function' ? flamegraph : (flamegraph.flamegraph ?? flamegraph.default)
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  const milliseconds = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(2))

  const drawn = new WeakMap()
  const sum = (nodes) => nodes.reduce((total, { value }) => total + value, 0)

  const draw = (figure) => {
    const tree = JSON.parse(figure.dataset.tree)
    tree.value = sum(tree.children)
    const place = figure.querySelector('.graph')
    const detail = figure.querySelector('.detail')
    const describe = ({ data }) => {
      const part = ((100 * data.value) / tree.value).toFixed(1)
      const where = data.location === '' ? '' : ` (${data.location})`
      detail.textContent = `${data.name}${where}: ${milliseconds(data.value)} ms, ${part} % of the busy time`
    }
    const chart = create()
      .width(place.clientWidth || 800)
      .cellHeight(18)
      .transitionDuration(matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 200)
      .minFrameSize(1)
      .inverted(true)
      .sort(true)
      .title('')
      .getName(({ data }) => data.name)
      .setLabelHandler(({ data }) => `${data.name} ${data.location}`)
      .setColorMapper((node, original) => (node.highlight ? original : color(COLORS[node.data.code] ?? '--line')))
      .setSearchMatch(({ data }, term) => `${data.name} ${data.location}`.toLowerCase().includes(term.toLowerCase()))
      .setSearchHandler((results) => {
        const found = results.reduce((total, { data }) => Math.max(total, data.value), 0)
        detail.textContent =
          results.length === 0 ? 'Nothing found.' : `${results.length} found, the largest ${milliseconds(found)} ms.`
      })
      .onHover(describe)
      .onClick((node) => {
        describe(node)
        setTimeout(focusable, 250)
      })
    place.replaceChildren()
    d3.select(place).datum(tree).call(chart)
    const focusable = () => {
      for (const frame of place.querySelectorAll('g.frame')) {
        frame.setAttribute('tabindex', '0')
        frame.setAttribute('role', 'button')
      }
    }
    focusable()
    drawn.set(figure, { chart, describe })
  }

  /** The listeners stay; the chart is drawn anew for another width or colour scheme. */
  const listen = (figure) => {
    const place = figure.querySelector('.graph')
    place.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') drawn.get(figure).chart.resetZoom()
      else if (event.key === 'Enter') event.target.dispatchEvent(new MouseEvent('click', { bubbles: true }))
      else return
      event.stopPropagation()
    })
    place.addEventListener('focusin', ({ target }) => {
      if (target.__data__) drawn.get(figure).describe(target.__data__)
    })
    figure.querySelector('input').addEventListener('input', ({ target }) => {
      const { chart } = drawn.get(figure)
      if (target.value === '') chart.clear()
      else chart.search(target.value)
    })
  }

  // A closed test has no width yet.
  const visible = (root) => {
    for (const figure of root.querySelectorAll('figure.flame:not([data-drawn])')) {
      if (figure.offsetParent === null) continue
      figure.dataset.drawn = ''
      listen(figure)
      draw(figure)
    }
  }
  document.addEventListener('toggle', ({ target }) => visible(target), true)
  visible(document)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const figure of document.querySelectorAll('figure.flame[data-drawn]')) draw(figure)
  })
  addEventListener('resize', () => {
    for (const figure of document.querySelectorAll('figure.flame[data-drawn]')) draw(figure)
  })
}
