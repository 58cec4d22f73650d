import { optionIssue as issue } from '../option-issues.ts'
import type { OptionIssue } from '../errors.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// What may not stand in a header's value: control characters, and what does not fit one byte. (oxlint: that is the point.)
// eslint-disable-next-line no-control-regex
const NOT_IN_VALUE = /[\u0000-\u0008\u000a-\u001f\u007f]|[^\u0000-\u00ff]/
const COMPUTED = ['content-length', 'transfer-encoding']

export function findUrlIssues(option: string, url: unknown, rule: 'any' | 'absolute'): OptionIssue[] {
  if (typeof url !== 'string' || url === '') return []
  if (rule === 'any' && url.startsWith('/') && !url.startsWith('//')) return findPathIssues(option, url)
  const expected =
    rule === 'any'
      ? 'a path such as /orders, or a URL with http:// or https://'
      : 'a URL with http:// or https://, such as http://127.0.0.1:3000/orders'
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return [issue(option, expected, url)]
  return []
}

export function findPathIssues(option: string, path: unknown): OptionIssue[] {
  if (typeof path !== 'string') return []
  // eslint-disable-next-line no-control-regex
  return path.startsWith('/') && !path.startsWith('//') && !/[\u0000-\u001f\u007f]/.test(path)
    ? []
    : [issue(option, 'a path that begins with one /, without control characters', path)]
}

export function findHeaderIssues(option: string, headers: unknown): OptionIssue[] {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return []
  const issues: OptionIssue[] = []
  for (const [name, value] of Object.entries(headers)) {
    const at = `${option}.${name}`
    if (!TOKEN.test(name)) issues.push(issue(at, 'a header name of letters, digits and -', name))
    else if (COMPUTED.includes(name.toLowerCase())) {
      issues.push(issue(at, 'left out: it is computed from `body`', value))
    } else if (!(Array.isArray(value) ? value : [value]).every(isHeaderValue)) {
      issues.push(issue(at, 'a string (or a list of strings) without line breaks and of Latin-1 characters', value))
    }
  }
  return issues
}

function isHeaderValue(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && !NOT_IN_VALUE.test(value))
}

export function findBodyIssues(option: string, method: unknown, body: unknown): OptionIssue[] {
  if (body === undefined || typeof method !== 'string') return []
  const name = method.toUpperCase()
  if (name === 'GET' || name === 'HEAD') {
    return [issue(option, `left out where the method is ${name} (set \`method\`: 'POST')`, body)]
  }
  if (typeof body === 'object' && body !== null && !(body instanceof Uint8Array)) {
    try {
      if (JSON.stringify(body) === undefined) return [issue(option, 'a value that JSON can hold', body)]
    } catch {
      return [issue(option, 'a value that JSON can hold', body)]
    }
  }
  return []
}
