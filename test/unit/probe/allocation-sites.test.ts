import { describe, expect, it } from 'vitest'
import { allocationSites, type AllocationNode } from '../../../src/probe/allocation-sites.ts'

let scripts = 0

function node(url: string, functionName: string, selfSize: number, ...children: AllocationNode[]): AllocationNode {
  const callFrame = { functionName, scriptId: String((scripts += 1)), url, lineNumber: 9, columnNumber: 4 }
  return { callFrame, selfSize, children }
}

const APP = 'file:///app/orders.js'
const sizes = (head: AllocationNode) => allocationSites(head).sites.map((site) => [site.function, site.bytes])

describe('allocationSites', () => {
  it('adds what built-ins and dependencies allocate to the function that called them', () => {
    const dependency = node('file:///app/node_modules/orm/index.js', 'hydrate', 30, node('', 'push', 5))
    const head = node('', '(root)', 0, node('node:http', 'parserOnIncoming', 7, node(APP, 'list', 10, dependency)))
    expect(sizes(head)).toEqual([['list', 45]])
    expect(allocationSites(head).total).toBe(52)
  })

  it('names a dependency where nobody of the user called it', () => {
    const head = node(
      '',
      '(root)',
      0,
      node('/app/node_modules/orm/index.js', 'poll', 20, node('node:buffer', 'alloc', 4)),
    )
    expect(sizes(head)).toEqual([['poll', 24]])
  })

  it('names the largest first, and functions without a name too', () => {
    const head = node('', '(root)', 0, node(APP, 'small', 1), node(APP, '', 8), node(APP, 'large', 9))
    expect(sizes(head)).toEqual([
      ['large', 9],
      ['(anonymous)', 8],
      ['small', 1],
    ])
  })

  it('leaves this package out, loaded either way', () => {
    const own = new URL('../../../src/probe/preload.cts', import.meta.url)
    const head = node(
      '',
      '(root)',
      0,
      node(own.href, 'answer', 50),
      node(own.pathname, 'answer', 50),
      node(APP, 'list', 1),
    )
    expect(sizes(head)).toEqual([['list', 1]])
  })
})
