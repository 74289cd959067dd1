import * as Result from "effect/Result"
import { isIPv4, isIPv6 } from "node:net"
import { addressCodec, encodeData } from "./dnsPacket.ts"
import { domainName, rootName } from "./DomainName.ts"
import { readString, readStrings } from "./masterFile.ts"
import { RecordType } from "./protocol.ts"

/** The data of a record as on the wire, its length before it; or what is wrong with the text. */
export type RecordData = Result.Result<Uint8Array, string>

/** The data of a SOA record (RFC 1035, 3.3.13); times in seconds. */
export interface Soa {
  readonly mname: string
  /** The mailbox as a name; dots in its first part are written `\.` */
  readonly rname: string
  readonly serial: number
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
}

/** The longest data of one record. */
const maxDataBytes = 8192

const bounded = (bytes: Uint8Array): RecordData =>
  bytes.length <= maxDataBytes
    ? Result.succeed(bytes)
    : Result.fail(`the content is longer than ${maxDataBytes} bytes`)

const encode = (type: string, data: unknown): RecordData => bounded(encodeData(type, data))

const withLength = (bytes: Buffer): Buffer => Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length), bytes])

const integer = (text: string | undefined, maximum: number): number | undefined =>
  text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= maximum ? Number(text) : undefined

const noName = (text: string): string =>
  `"${text.slice(0, 64)}" is no domain name (labels of 1 to 63 bytes, at most 255 bytes in all)`

const target = (type: string) => (content: string): RecordData => {
  const name = domainName(content)
  return name === undefined ? Result.fail(noName(content)) : encode(type, name.text)
}

/** A character-string holds 255 bytes: longer ones become several, which readers join again. */
const pieces = (bytes: Buffer): ReadonlyArray<Buffer> => {
  const parts = [bytes.subarray(0, 255)]
  for (let at = 255; at < bytes.length; at += 255) parts.push(bytes.subarray(at, at + 255))
  return parts
}

const txt = (content: string): RecordData => {
  const text = content.trim()
  // Without quotes the whole is one, as it stands.
  const strings = text.startsWith('"') ? readStrings(text) : [Buffer.from(text)]
  return strings === undefined
    ? Result.fail("the content begins with a quote, but is no row of quoted strings")
    : encode("TXT", strings.flatMap(pieces))
}

const mx = (content: string): RecordData => {
  const [first, host = "", ...rest] = content.trim().split(/\s+/)
  const preference = integer(first, 65535)
  const exchange = host === "." ? rootName : domainName(host)
  return preference === undefined || exchange === undefined || rest.length > 0
    ? Result.fail("the content is not `preference host`")
    : encode("MX", { preference, exchange: exchange.text })
}

const srv = (content: string): RecordData => {
  const fields = content.trim().split(/\s+/)
  const [priority, weight, port] = fields.slice(0, 3).map((field) => integer(field, 65535))
  const host = fields[3] === "." ? rootName : domainName(fields[3] ?? "")
  return priority === undefined || weight === undefined || port === undefined || host === undefined ||
      fields.length > 4
    ? Result.fail("the content is not `priority weight port host`")
    : encode("SRV", { priority, weight, port, target: host.text })
}

const caa = (content: string): RecordData => {
  const [, first, tag = "", text = ""] = /^(\d{1,3})\s+([a-z0-9]{1,15})\s+(\S.*)$/is.exec(content.trim()) ?? []
  const flags = integer(first, 255)
  const value = readString(text)
  return flags === undefined || value === undefined
    ? Result.fail('the content is not `flags tag "value"`')
    : bounded(withLength(Buffer.concat([Buffer.of(flags, tag.length), Buffer.from(tag), value])))
}

const address = (type: "A" | "AAAA") => (content: string): RecordData => {
  const text = content.trim()
  const isAddress = type === "A" ? isIPv4(text) : isIPv6(text) && !text.includes("%")
  return isAddress
    ? Result.succeed((type === "A" ? addressCodec.v4 : addressCodec.v6).encode(text))
    : Result.fail(`"${text.slice(0, 64)}" is no IPv${type === "A" ? 4 : 6} address`)
}

/** Mailbox `host.master@zone` or `host\.master.zone` → the latter form; undefined when it is none. */
export const mailbox = (text: string): string | undefined => {
  const at = text.indexOf("@")
  const bare = text.endsWith(".") ? text.slice(0, -1) : text
  const name = at < 0 ? bare : `${bare.slice(0, at).replaceAll(".", "\\.")}.${bare.slice(at + 1)}`
  const wire = name.replaceAll("\\.", "-")
  return name.startsWith(".") || wire.includes("\\") || domainName(wire) === undefined ? undefined : name.toLowerCase()
}

/** Reads the content of a static SOA record. */
export const parseSoa = (content: string): Result.Result<Soa, string> => {
  const fields = content.trim().split(/\s+/)
  const mname = domainName(fields[0] ?? "")
  const rname = mailbox(fields[1] ?? "")
  const [serial, refresh, retry, expire, minimum] = fields.slice(2).map((field) => integer(field, 0xffffffff))
  return mname === undefined || rname === undefined || serial === undefined || refresh === undefined ||
      retry === undefined || expire === undefined || minimum === undefined || fields.length > 7
    ? Result.fail("the content is not `mname rname serial refresh retry expire minimum`")
    : Result.succeed({ mname: mname.text, rname, serial, refresh, retry, expire, minimum })
}

/** The data of a SOA record. */
export const soaData = (soa: Soa): Uint8Array => encodeData("SOA", soa)

/** The data of the answer to ANY (RFC 8482, 4.2). */
export const anyData = (): Uint8Array => encodeData("HINFO", { cpu: "RFC8482", os: "" })

const readers: ReadonlyMap<string, (content: string) => RecordData> = new Map([
  ["A", address("A")],
  ["AAAA", address("AAAA")],
  ["NS", target("NS")],
  ["CNAME", target("CNAME")],
  ["PTR", target("PTR")],
  ["SOA", (content: string) => Result.map(parseSoa(content), soaData)],
  ["TXT", txt],
  ["MX", mx],
  ["SRV", srv],
  ["CAA", caa]
])

/** The types that static records may have. */
export const staticTypes: ReadonlyArray<string> = [...readers.keys()]

/** Reads the content of a static record as zone files write it. `type` in upper case. */
export const readRecordData = (type: string, content: string): RecordData =>
  readers.get(type)?.(content) ??
    Result.fail(`type ${type.slice(0, 16)} is not served here; there are ${staticTypes.join(", ")}`)

/** The number of a type of {@link staticTypes}. */
export const staticTypeNumber = (type: string): number => RecordType[type as keyof typeof RecordType]
