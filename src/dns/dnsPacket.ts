import dnsPacket from "dns-packet"

/** How `dns-packet` encodes and decodes the data of one record type; the encoded data begins with its length. */
export interface DataCodec<A> {
  readonly encode: (data: A) => Buffer
  readonly decode: (bytes: Buffer, offset: number) => A
}

/** The parts of `dns-packet` that its type definitions leave out. */
interface Codecs {
  readonly name: { readonly encode: (name: string) => Buffer }
  readonly a: DataCodec<string>
  readonly aaaa: DataCodec<string>
  readonly record: (type: string) => DataCodec<unknown>
}

const codecs = dnsPacket as unknown as Codecs

/** Encodes names. It checks nothing: a label of more than 63 bytes comes out broken. */
export const nameCodec = codecs.name

/** The data of A and AAAA records, as text. It checks nothing: what is no address comes out as some other one. */
export const addressCodec = { v4: codecs.a, v6: codecs.aaaa } as const

/** The data of a record type by its name, its length before it. */
export const encodeData = (type: string, data: unknown): Buffer => {
  const bytes = codecs.record(type).encode(data)
  // Where a name has escapes, the library makes room for them too, and leaves it.
  return bytes.subarray(0, 2 + bytes.readUInt16BE(0))
}

/** Whole messages. `decode` throws on whatever it cannot read. */
export const { decode: decodeMessage, encode: encodeMessage } = dnsPacket
