/** MessagePack. */
export interface MessageCodec {
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/**
 * Imports `@msgpack/msgpack`, an optional peer dependency.
 *
 * @throws Error that says what to install.
 */
export async function importCodec(): Promise<MessageCodec> {
  const { Encoder, decode } = await importPeer('@msgpack/msgpack', () => import('@msgpack/msgpack'))
  // Fields that are `undefined` would come back as `null`.
  const encoder = new Encoder({ ignoreUndefined: true })
  return { encode: (value) => encoder.encode(value), decode: (bytes) => decode(bytes) }
}

/** Imports a package that only loads over workers need. */
export async function importPeer<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(
      `Loads over workers need the package \`${name}\`, which could not be loaded. Run \`npm install --save-dev zeromq@6 @msgpack/msgpack@3\` where Vitest runs and for each worker.\n${why}`,
      { cause: error },
    )
  }
}
