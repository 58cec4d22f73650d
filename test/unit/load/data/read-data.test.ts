import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDataFile } from '../../../../src/load/data/read-data.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'read-data-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

async function read(name: string, text: string) {
  await writeFile(join(root, name), text)
  return readDataFile(name, root)
}

test('a CSV file: the header row names the columns, quotes and line breaks in fields are kept', async () => {
  const text = '\uFEFFname,password\r\nann,"a ""b"", c"\r\n\r\nbob,"two\nlines"\n'
  expect(await read('a.csv', text)).toEqual([
    { name: 'ann', password: 'a "b", c' },
    { name: 'bob', password: 'two\nlines' },
  ])
})

test('JSON, lines of JSON, and a file URL', async () => {
  expect(await read('a.json', '[{"id": 1}]')).toEqual([{ id: 1 }])
  expect(await read('a.ndjson', '{"id": 1}\r\n\n{"id": 2}\n')).toEqual([{ id: 1 }, { id: 2 }])
  expect(await readDataFile(pathToFileURL(join(root, 'a.json')), '/')).toEqual([{ id: 1 }])
  expect(await readDataFile(pathToFileURL(join(root, 'a.json')).href, '/')).toEqual([{ id: 1 }])
})

test.for([
  ['row.csv', 'a,b\n1,2\n1,2,3\n', /^row\.csv:3: .*columns length is 2, got 3/],
  ['quote.csv', 'a,b\n1,2\n"1,2\n', /^quote\.csv:\d: /],
  ['twice.csv', 'a,a\n1,2\n', /^twice\.csv:1: The header row names the column "a" twice/],
  ['empty-name.csv', 'a,\n1,2\n', /^empty-name\.csv:1: Column 2 of the header row has no name/],
  ['token.json', '[\n  {"a": 1},\n  {"a": oops}\n]', /^token\.json:3: /],
  ['comma.json', '[\n  {"a": 1}\n  {"a": 2}\n]', /^comma\.json:3: /],
  ['end.json', '[\n  {"a": 1},\n', /^end\.json:\d: /],
  ['object.json', '{"a": 1}', /^object\.json: expected a list of objects, got an object/],
  ['element.json', '[{"a": 1}, 3]', /^element\.json: expected a list of objects; element 1 is a number/],
  ['line.ndjson', '{"a": 1}\n{"a": \n', /^line\.ndjson:2: /],
  ['number.ndjson', '{"a": 1}\n7\n', /^number\.ndjson:2: expected an object, got a number/],
] as const)('%s: the error names file and line', async ([name, text, message]) => {
  await expect(read(name, text)).rejects.toThrow(message)
})

test('a file that does not exist, or of another kind', async () => {
  await expect(readDataFile('none.csv', root)).rejects.toThrow(
    `none.csv could not be read: there is no file ${join(root, 'none.csv')}. Paths are from Vitest's root`,
  )
  await expect(readDataFile('a.txt', root)).rejects.toThrow(/a file that ends in \.csv, \.json or \.ndjson/)
})
