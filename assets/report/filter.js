'use strict'
{
  const tests = [...document.querySelectorAll('details.test')]
  const search = document.getElementById('search')
  const toggle = document.getElementById('toggle')
  const verdicts = [...document.querySelectorAll('[data-verdict][aria-pressed]')]
  let verdict = 'all'

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
    let shown = 0
    for (const test of tests) {
      const fits =
        words.every((word) => test.dataset.name.includes(word)) &&
        (verdict === 'all' || test.dataset.verdict === verdict)
      test.hidden = !fits
      if (fits) shown += 1
    }
    document.getElementById('nothing').hidden = shown > 0
    updateToggle()
  }

  const visible = () => tests.filter((test) => !test.hidden)

  const updateToggle = () => {
    const all = visible().every((test) => test.open)
    toggle.textContent = all ? 'Close all' : 'Open all'
  }

  search.addEventListener('input', filter)
  for (const button of verdicts) {
    button.addEventListener('click', () => {
      verdict = button.dataset.verdict
      for (const other of verdicts) other.setAttribute('aria-pressed', String(other === button))
      filter()
    })
  }
  toggle.addEventListener('click', () => {
    const open = !visible().every((test) => test.open)
    for (const test of visible()) test.open = open
  })
  for (const test of tests) test.addEventListener('toggle', updateToggle)

  const reveal = () => {
    const test = tests.find(({ id }) => `#${id}` === location.hash)
    if (test) test.open = true
  }
  addEventListener('hashchange', reveal)

  const step = (by) => {
    const list = visible()
    const at = list.findIndex((test) => test.contains(document.activeElement))
    const next = list[at === -1 ? (by > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, at + by))]
    next?.querySelector('summary').focus()
  }

  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (document.activeElement === search) {
      if (event.key === 'Escape') {
        search.value = ''
        filter()
        search.blur()
      }
      return
    }
    if (event.key === '/') search.focus()
    else if (event.key === 'j') step(1)
    else if (event.key === 'k') step(-1)
    else return
    event.preventDefault()
  })

  filter()
  reveal()
}
