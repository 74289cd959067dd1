import { formatIpv4, formatIpv6 } from "../geo/address.ts"
import type { NameKey } from "./DomainName.ts"
import { writeLabel, writeString } from "./masterFile.ts"
import { RecordType } from "./protocol.ts"

/** What names of data end with: zone files count those without a dot from their origin. */
type NameEnd = "" | "."

/** Reads data from the front. Beyond the end are zeros. */
class Reader {
  readonly #data: Uint8Array
  readonly #end: NameEnd
  #at: number

  constructor(data: Uint8Array, at: number, end: NameEnd) {
    this.#data = data
    this.#at = at
    this.#end = end
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#data.length
  }

  u8(): number {
    return this.#data[this.#at++] ?? 0
  }

  u16(): number {
    return this.u8() << 8 | this.u8()
  }

  u32(): number {
    return (this.u16() << 16 | this.u16()) >>> 0
  }

  bytes(length: number): Uint8Array {
    const bytes = this.#data.subarray(this.#at, this.#at + length)
    this.#at += length
    return bytes
  }

  rest(): Uint8Array {
    return this.bytes(this.#data.length - this.#at)
  }

  /** No pointers: data is kept as it is encoded alone. `.` is the root. */
  name(): string {
    let text = ""
    for (let length = this.u8(); length > 0 && !this.isAtEnd; length = this.u8()) {
      text += `${writeLabel(this.bytes(length))}.`
    }
    return text === "" ? "." : text.slice(0, -1) + this.#end
  }

  strings(): string {
    const strings: Array<string> = []
    while (!this.isAtEnd) strings.push(writeString(this.bytes(this.u8())))
    return strings.join(" ")
  }
}

const ipv6 = (read: Reader): string => formatIpv6(Uint32Array.of(read.u32(), read.u32(), read.u32(), read.u32()))

const soa = (read: Reader): string =>
  [read.name(), read.name(), read.u32(), read.u32(), read.u32(), read.u32(), read.u32()].join(" ")

const srv = (read: Reader): string => [read.u16(), read.u16(), read.u16(), read.name()].join(" ")

const caa = (read: Reader): string => {
  const flags = read.u8()
  const tag = Buffer.from(read.bytes(read.u8())).toString("latin1")
  return `${flags} ${tag} ${writeString(read.rest())}`
}

const texts: ReadonlyMap<number, (read: Reader) => string> = new Map([
  [RecordType.A, (read) => formatIpv4(read.u32())],
  [RecordType.AAAA, ipv6],
  [RecordType.NS, (read) => read.name()],
  [RecordType.CNAME, (read) => read.name()],
  [RecordType.PTR, (read) => read.name()],
  [RecordType.SOA, soa],
  [RecordType.TXT, (read) => read.strings()],
  [RecordType.MX, (read) => `${read.u16()} ${read.name()}`],
  [RecordType.SRV, srv],
  [RecordType.CAA, caa]
] as ReadonlyArray<readonly [number, (read: Reader) => string]>)

/** A name as zone files write it, without the last dot; `.` for the root. */
export const nameText = (key: NameKey): string => new Reader(Buffer.from(`${key}\0`, "latin1"), 0, "").name()

/**
 * The data of a record (its length before it, as `readRecordData` makes it) as zone files write it, names with the
 * last dot or without. What is no type of static records comes out as RFC 3597 says.
 */
export const recordText = (type: number, data: Uint8Array, end: NameEnd = ""): string => {
  const read = new Reader(data, 2, end)
  const text = texts.get(type)
  if (text !== undefined) return text(read)
  const bytes = read.rest()
  return `\\# ${bytes.length} ${Buffer.from(bytes).toString("hex")}`
}
