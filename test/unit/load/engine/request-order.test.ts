import { describe, expect, it } from 'vitest'
import type { Connection } from '../../../../src/load/http/connection.ts'
import { PerConnectionOrder, SharedOrder, type ListedRequest } from '../../../../src/load/engine/request-order.ts'

const list = (length: number): ListedRequest[] =>
  Array.from({ length }, (_, index) => ({ index, bytes: new Uint8Array(), isHead: false }))
const connection = () => ({}) as Connection<ListedRequest>
const indices = (requests: ListedRequest[]) => requests.map(({ index }) => index)

describe('SharedOrder', () => {
  it('deals the list out, whoever asks, and begins again', () => {
    const order = new SharedOrder(list(3))
    expect(indices(Array.from({ length: 7 }, () => order.take()))).toEqual([0, 1, 2, 0, 1, 2, 0])
  })

  it('a request that cannot be sent is one of the list', () => {
    const order = new SharedOrder(list(3))
    expect(indices([order.take(), order.spend(), order.take()])).toEqual([0, 1, 2])
  })

  it('sends again what was given back, in its order, before the rest', () => {
    const order = new SharedOrder(list(6))
    const [, second, third, fourth] = Array.from({ length: 4 }, () => order.take()) as [
      ListedRequest,
      ListedRequest,
      ListedRequest,
      ListedRequest,
    ]
    for (const request of [fourth, third, second]) order.giveBack(undefined, request, true)
    expect(indices(Array.from({ length: 5 }, () => order.take()))).toEqual([1, 2, 3, 4, 5])
  })

  it('leaves out what belongs to the part before', () => {
    const order = new SharedOrder(list(3))
    order.giveBack(undefined, list(3)[2] as ListedRequest, false)
    expect(order.take().index).toBe(0)
  })
})

describe('PerConnectionOrder', () => {
  it('begins with the first on every connection', () => {
    const [one, other] = [connection(), connection()]
    const order = new PerConnectionOrder(list(3))
    expect(indices([one, one, other, one, one, other].map((own) => order.take(own)))).toEqual([0, 1, 0, 2, 0, 1])
  })

  it('goes on where the first of those given back was, also of the part before', () => {
    const own = connection()
    const order = new PerConnectionOrder(list(5))
    const sent = Array.from({ length: 4 }, () => order.take(own))
    for (const request of sent.slice(1).toReversed()) order.giveBack(own, request)
    expect(indices(Array.from({ length: 3 }, () => order.take(own)))).toEqual([1, 2, 3])
  })

  it('does not skip a request that could not be sent', () => {
    const own = connection()
    const order = new PerConnectionOrder(list(3))
    order.take(own)
    expect(indices([order.spend(own), order.spend(own), order.take(own), order.take(own)])).toEqual([1, 1, 1, 2])
  })
})
