'use strict'
{
  const valueOf = (row, at) => row.children[at].dataset.value

  for (const section of document.querySelectorAll('section.names')) {
    const body = section.querySelector('tbody')
    for (const button of section.querySelectorAll('[data-sort]')) {
      button.addEventListener('click', () => {
        const at = Number(button.dataset.sort)
        const head = button.closest('th')
        // Figures are looked at from the worst, names from the first.
        const first = at === 0 ? 'ascending' : 'descending'
        const second = at === 0 ? 'descending' : 'ascending'
        const order = head.getAttribute('aria-sort') === first ? second : first
        for (const other of head.parentElement.children) other.removeAttribute('aria-sort')
        head.setAttribute('aria-sort', order)
        const sign = order === 'ascending' ? 1 : -1
        const rows = [...body.children].sort((a, b) => {
          const [one, other] = [valueOf(a, at), valueOf(b, at)]
          if (at === 0) return sign * one.localeCompare(other)
          // What has no data stands last in either order.
          if (one === '' || other === '') return (one === '') - (other === '')
          return sign * (Number(one) - Number(other))
        })
        body.append(...rows)
      })
    }
    const figure = section.querySelector('figure')
    for (const button of section.querySelectorAll('[data-name][aria-pressed]')) {
      button.addEventListener('click', () => {
        for (const other of section.querySelectorAll('[data-name][aria-pressed]'))
          other.setAttribute('aria-pressed', String(other === button))
        figure.dataset.name = button.dataset.name
        figure.dispatchEvent(new Event('redraw'))
      })
    }
  }
}
