import type { UserParameters, UserRequestOptions } from '../plan/virtual-user.ts'

export interface EncodedBody {
  /** Text is ASCII: it is written as it is. */
  readonly content: Uint8Array | string
  /** Of a body that says what it is. */
  readonly type: string | undefined
}

const FORM = 'application/x-www-form-urlencoded;charset=UTF-8'

/** The body of a request. Reading a `FormData` or a `Blob` takes a moment; all else is there at once. */
export function encodeBody({ json, form, body }: UserRequestOptions): EncodedBody | Promise<EncodedBody> | undefined {
  if (json === undefined && form === undefined && body === undefined) return undefined
  if (Number(json !== undefined) + Number(form !== undefined) + Number(body !== undefined) > 1) {
    throw new TypeError('A request takes one of `json`, `form` and `body`')
  }
  if (json !== undefined) return encodeText(encodeJson(json), 'application/json')
  if (form !== undefined) return encodeText(encodeParameters(form), FORM)
  if (body instanceof URLSearchParams) return encodeText(body.toString(), FORM)
  if (typeof body === 'string') return encodeText(body, 'text/plain;charset=UTF-8')
  if (body instanceof Uint8Array) return { content: body, type: undefined }
  if (body instanceof ArrayBuffer) return { content: new Uint8Array(body), type: undefined }
  if (body instanceof FormData || body instanceof Blob) return readBody(body)
  throw new TypeError(
    '`body` of a request takes text, bytes, a FormData, a Blob or URLSearchParams; `json` takes any value',
  )
}

function encodeText(text: string, type: string): EncodedBody {
  return { content: Buffer.byteLength(text) === text.length ? text : Buffer.from(text), type }
}

/** The platform knows how these are written. */
async function readBody(body: FormData | Blob): Promise<EncodedBody> {
  const response = new Response(body)
  const type = response.headers.get('content-type') ?? undefined
  return { content: new Uint8Array(await response.arrayBuffer()), type }
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
