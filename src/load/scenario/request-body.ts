import type { UserParameters, UserRequestOptions } from '../plan/virtual-user.ts'

export interface EncodedBody {
  readonly bytes: Uint8Array
  /** Of a body that says what it is. */
  readonly type?: string
}

/** The bytes of a request's body. Reading a `FormData` or a `Blob` takes a moment; all else is there at once. */
export function encodeBody(options: UserRequestOptions): EncodedBody | Promise<EncodedBody> | undefined {
  const { json, form, body } = options
  const given = [json, form, body].filter((value) => value !== undefined)
  if (given.length === 0) return undefined
  if (given.length > 1) throw new TypeError('A request takes one of `json`, `form` and `body`')
  if (json !== undefined) return { bytes: Buffer.from(encodeJson(json)), type: 'application/json' }
  const parameters = form ?? (body instanceof URLSearchParams ? body : undefined)
  if (parameters !== undefined) {
    return { bytes: Buffer.from(encodeParameters(parameters)), type: 'application/x-www-form-urlencoded;charset=UTF-8' }
  }
  if (typeof body === 'string') return { bytes: Buffer.from(body), type: 'text/plain;charset=UTF-8' }
  if (body instanceof Uint8Array) return { bytes: body }
  if (body instanceof ArrayBuffer) return { bytes: new Uint8Array(body) }
  if (body instanceof FormData || body instanceof Blob) return readBody(body)
  throw new TypeError(
    '`body` of a request takes text, bytes, a FormData, a Blob or URLSearchParams; `json` takes any value',
  )
}

/** The platform knows how these are written. */
async function readBody(body: FormData | Blob): Promise<EncodedBody> {
  const response = new Response(body)
  const type = response.headers.get('content-type')
  const bytes = new Uint8Array(await response.arrayBuffer())
  return type === null ? { bytes } : { bytes, type }
}

function encodeJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError('`json` of a request takes a value that JSON can hold')
  return text
}

/** `a=1&a=2&b=x`. */
export function encodeParameters(parameters: UserParameters | URLSearchParams): string {
  if (parameters instanceof URLSearchParams) return parameters.toString()
  const encoded = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || value === null) continue
    for (const one of Array.isArray(value) ? (value as readonly unknown[]) : [value]) encoded.append(name, String(one))
  }
  return encoded.toString()
}
