import { expect, test } from 'vitest'
import { describeRefusal } from '../../../src/server/head-refusal.ts'

test.each<[number | undefined, number | undefined, string | undefined, boolean]>([
  [200, 200, undefined, false],
  [undefined, undefined, undefined, false],
  [
    404,
    200,
    'http://h/x answered HEAD with 404, and GET with 200. wait-on asks an `http:` resource with HEAD: write `http-get://h/x`.',
    true,
  ],
  [
    405,
    204,
    'http://h/x answered HEAD with 405, and GET with 204. wait-on asks an `http:` resource with HEAD: write `http-get://h/x`.',
    true,
  ],
  [404, 404, 'http://h/x answered HEAD with 404 and GET with 404.', false],
  [503, undefined, 'http://h/x answered HEAD with 503.', false],
])('HEAD %s, GET %s', (head, get, text, isSteady) => {
  const found = describeRefusal({ resource: 'http://h/x', head, get })
  expect(found).toEqual(text === undefined ? undefined : { text, isSteady })
})
