import { describe, expect, it } from 'vitest'
import { commandShape, httpShape, routeShape, statementShape } from '../../../src/probe/wait-shape.ts'

describe('routeShape', () => {
  it.each([
    ['/orders/17/items?page=2', '/orders/:id/items'],
    ['/users/9b2f7c1e-3d4a-4c5b-8e6f-0a1b2c3d4e5f', '/users/:id'],
    ['/blobs/deadbeef12345678', '/blobs/:id'],
    ['/t/eyJhbGciOiJIUzI1NiJ9abc', '/t/:id'],
    ['/orders/order-4711', '/orders/order-:id'],
    ['/v2/health', '/v2/health'],
    ['/', '/'],
    ['/quotes/eur#top', '/quotes/eur'],
  ])('folds %s', (path, shape) => expect(routeShape(path)).toBe(shape))
})

describe('httpShape', () => {
  it.each([
    ['get', 'http://inventory', '/17', 'GET inventory/:id'],
    ['POST', 'https://api.example.com:443', '/v1/charge?x=1', 'POST api.example.com/v1/charge'],
    ['GET', 'http://127.0.0.1:9000', '/', 'GET 127.0.0.1:9000'],
  ])('%s %s%s', (method, origin, path, shape) => expect(httpShape(method, origin, path)).toBe(shape))
})

describe('statementShape', () => {
  it.each([
    ['SELECT name FROM items WHERE id = 17', 'SELECT name FROM items WHERE id = ?'],
    ["SELECT * FROM t1 WHERE a = 'it''s' AND b IN (1, 2,3)", 'SELECT * FROM t1 WHERE a = ? AND b IN (?)'],
    ['SELECT *\n  FROM users -- all of them\n WHERE id = $1;', 'SELECT * FROM users WHERE id = ?'],
    ['INSERT INTO t (a, b) VALUES (1, 2), (3, 4)', 'INSERT INTO t (a, b) VALUES (?)'],
    ['UPDATE t SET a = -1.5e3 WHERE b = :name', 'UPDATE t SET a = ? WHERE b = ?'],
    ['SELECT x::int FROM t', 'SELECT x::int FROM t'],
    ['/* app */ SELECT 1', 'SELECT ?'],
  ])('folds %s', (sql, shape) => expect(statementShape(sql)).toBe(shape))

  it('is at most 200 characters long', () => {
    expect(statementShape(`SELECT ${'column_name, '.repeat(80)} x FROM t`)).toHaveLength(200)
  })
})

describe('commandShape', () => {
  it.each([
    ['get', 'user:17', 'GET user:?'],
    ['hgetall', 'cart:9b2f7c1e-3d4a-4c5b-8e6f-0a1b2c3d4e5f:items', 'HGETALL cart:?:items'],
    ['ping', undefined, 'PING'],
    ['get', 'settings', 'GET settings'],
  ])('%s %s', (command, key, shape) => expect(commandShape(command, key)).toBe(shape))
})
