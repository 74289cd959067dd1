import dnsPacket from "dns-packet"
import { readAddress } from "../geo/address.ts"

/** How `dns-packet` encodes and decodes the data of one record type; the encoded data begins with its length. */
export interface DataCodec<A> {
  readonly encode: (data: A) => Buffer
  readonly decode: (bytes: Buffer, offset: number) => A
}

/** The parts of `dns-packet` that its type definitions leave out. */
interface Codecs {
  readonly name: { readonly encode: (name: string) => Buffer }
  readonly a: DataCodec<string>
  readonly record: (type: string) => DataCodec<unknown>
}

const codecs = dnsPacket as unknown as Codecs

/** Encodes names. It checks nothing: a label of more than 63 bytes comes out broken. */
export const nameCodec = codecs.name

/** By our own reading: the library loses the last group where `::` stands for a single one, as in `1::2:3:4:5:6:7`. */
const encodeIpv6 = (text: string): Buffer => {
  const words = new Uint32Array(4)
  if (readAddress(text, words) === 4) words.set([0, 0, 0xffff, words[0]!])
  const data = Buffer.alloc(18)
  data[1] = 16
  words.forEach((word, i) => data.writeUInt32BE(word, 2 + i * 4))
  return data
}

/** The data of A and AAAA records, from text. It checks nothing: what is no address comes out as some other one. */
export const addressCodec = {
  v4: { encode: (text: string): Buffer => codecs.a.encode(text) },
  v6: { encode: encodeIpv6 }
} as const

/** The data of a record type by its name, its length before it; addresses by {@link addressCodec}. */
export const encodeData = (type: string, data: unknown): Buffer => {
  const bytes = codecs.record(type).encode(data)
  // Where a name has escapes, the library makes room for them too, and leaves it.
  return bytes.subarray(0, 2 + bytes.readUInt16BE(0))
}

/** Whole messages. `decode` throws on whatever it cannot read. */
export const { decode: decodeMessage, encode: encodeMessage } = dnsPacket
