import { expect, test } from 'vitest'
import { showsAttachments } from '../../../src/config/page-viewers.ts'

const OWN = '/node_modules/vitest-plugin-perf/dist/reporter.js'

test.each([
  ['text reporters', { reporters: ['default', ['json', {}], ['junit', {}], OWN] }, false],
  ["Vitest's UI", { ui: true, reporters: ['default'] }, true],
  ["Vitest's HTML report", { reporters: ['default', ['html', {}]] }, true],
  ['a blob that an HTML report may be made from', { reporters: ['blob'] }, true],
  ['the reporter of an editor', { reporters: ['/opt/editor/reporter.js'] }, true],
  ['a reporter object', { reporters: ['default', {}] }, true],
])('%s', (_, config, shown) => {
  expect(showsAttachments(config, OWN)).toBe(shown)
})
