'use strict'
{
  const COLORS = { own: '--c2', dependency: '--c1', node: '--line' }
  const create = typeof flamegraph === 'function' ? flamegraph : (flamegraph.flamegraph ?? flamegraph.default)
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  const milliseconds = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(2))

  const descriptions = new WeakMap()
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
    place.onkeydown = (event) => {
      if (event.key === 'Escape') chart.resetZoom()
      else if (event.key === 'Enter') event.target.dispatchEvent(new MouseEvent('click', { bubbles: true }))
      else return
      event.stopPropagation()
    }
    descriptions.set(place, describe)
    figure.querySelector('input').oninput = ({ target }) =>
      target.value === '' ? chart.clear() : chart.search(target.value)
  }

  // A closed test has no width yet.
  const visible = (root) => {
    for (const figure of root.querySelectorAll('figure.flame:not([data-drawn])')) {
      if (figure.offsetParent === null) continue
      figure.dataset.drawn = ''
      const place = figure.querySelector('.graph')
      place.addEventListener('focusin', ({ target }) => target.__data__ && descriptions.get(place)(target.__data__))
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
