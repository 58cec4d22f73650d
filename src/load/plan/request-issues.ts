import { URL } from 'node:url'
import { X509Certificate } from 'node:crypto'
import { optionIssue as issue } from '../../option-issues.ts'
import type { OptionIssue } from '../../errors.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// Not allowed in a header's value: control characters, and characters that do not fit one byte.
// eslint-disable-next-line no-control-regex
const NOT_IN_VALUE = /[\u0000-\u0008\u000a-\u001f\u007f]|[^\u0000-\u00ff]/
const COMPUTED = ['content-length', 'transfer-encoding']
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/

/** Half of a surrogate pair, which UTF-8 cannot encode. */
const LONE_SURROGATE = /[\ud800-\udfff]/u

const tagOf = (value: unknown) => Object.prototype.toString.call(value)

/** Whether a value is a plain object, not a `Map` or `Headers`. Looks at its tag: in the vm pools it may be of another realm. */
export function isPlainRecord(value: unknown): value is Record<string, unknown> {
  return /^\[object (Object|Module)\]$/.test(tagOf(value))
}

export function isBytes(value: unknown): value is Uint8Array {
  return tagOf(value) === '[object Uint8Array]'
}

/** Whether a value can be sent as a body. Refuses `FormData`, `Map` and streams, which would be `{}` in JSON. */
export function isBody(value: unknown): boolean {
  if (typeof value === 'string' || isBytes(value)) return true
  if (typeof value !== 'object' || value === null) return false
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function' || Array.isArray(value)) return true
  return isPlainRecord(value) && !(Symbol.asyncIterator in value)
}

/** Whether a text holds certificates in PEM, and all of them can be read. */
export function holdsCertificates(pem: string): boolean {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  const begun = pem.split('-----BEGIN CERTIFICATE-----').length - 1
  return certificates.length > 0 && certificates.length === begun && certificates.every(isCertificate)
}

function isCertificate(pem: string): boolean {
  try {
    void new X509Certificate(pem)
    return true
  } catch {
    return false
  }
}

/** Whether name and password of a URL can be decoded. */
function canDecode({ username, password }: URL): boolean {
  try {
    void decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

export function findUrlIssues(option: string, url: unknown, rule: 'any' | 'absolute'): OptionIssue[] {
  if (typeof url !== 'string' || url === '') return []
  if (rule === 'any' && url.startsWith('/') && !url.startsWith('//')) return findPathIssues(option, url)
  const expected =
    rule === 'any'
      ? 'a path such as /orders, or a URL with http:// or https://'
      : 'a URL with http:// or https://, such as http://127.0.0.1:3000/orders'
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return [issue(option, expected, url)]
  if (CONTROL.test(url)) return [issue(option, 'a URL without control characters', url)]
  if (!canDecode(new URL(url))) return [issue(option, 'a URL whose name and password can be decoded', url)]
  return []
}

export function findPathIssues(option: string, path: unknown): OptionIssue[] {
  if (typeof path !== 'string') return []
  return path.startsWith('/') && !path.startsWith('//') && !CONTROL.test(path) && !LONE_SURROGATE.test(path)
    ? []
    : [issue(option, 'a path that begins with one /, without control characters', path)]
}

export function findHeaderIssues(option: string, headers: unknown): OptionIssue[] {
  if (!isPlainRecord(headers)) return []
  const issues: OptionIssue[] = []
  for (const [name, value] of Object.entries(headers)) {
    const at = `${option}.${name}`
    if (!TOKEN.test(name)) issues.push(issue(at, 'a header name of letters, digits and -', name))
    else if (COMPUTED.includes(name.toLowerCase())) {
      issues.push(issue(at, 'left out: it is computed from `body`', value))
    } else if (!isHeader(value)) {
      const expected = 'a string (or a list of at least one) without line breaks and of Latin-1 characters, or a number'
      issues.push(issue(at, expected, value))
    }
  }
  return issues
}

function isHeader(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 && value.every(isHeaderValue) : isHeaderValue(value)
}

function isHeaderValue(value: unknown): boolean {
  return Number.isFinite(value) || (typeof value === 'string' && !NOT_IN_VALUE.test(value))
}

export function findBodyIssues(option: string, method: unknown, body: unknown): OptionIssue[] {
  if (body === undefined || typeof method !== 'string') return []
  const name = method.toUpperCase()
  if (name === 'GET' || name === 'HEAD') {
    return [issue(option, `left out where the method is ${name} (set \`method\`: 'POST')`, body)]
  }
  if (typeof body === 'object' && body !== null && !isBytes(body)) {
    try {
      if (JSON.stringify(body) === undefined) return [issue(option, 'a value that JSON can hold', body)]
    } catch {
      return [issue(option, 'a value that JSON can hold', body)]
    }
  }
  return []
}
