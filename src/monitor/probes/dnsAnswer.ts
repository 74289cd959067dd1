import dnsPacket, { type Answer, type DecodedPacket } from "dns-packet"
import * as Result from "effect/Result"
import { formatIpv6, readAddress } from "../../geo/address.ts"

/** The types that can be asked for. */
export const recordTypes = ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] as const
export type RecordType = (typeof recordTypes)[number]

const bare = (name: string): string => name.replace(/\.$/, "").toLowerCase()

/** An IPv6 address in the one way that RFC 5952 has for it. */
const plainIpv6 = (text: string): string => {
  const words = new Uint32Array(4)
  return readAddress(text, words) === 6 ? formatIpv6(words) : text.toLowerCase()
}

/** A record as an operator would write what it says; names in lower case without the last dot. */
export const recordText = (record: Answer): string => {
  switch (record.type) {
    case "A":
      return record.data
    case "AAAA":
      return plainIpv6(record.data)
    case "CNAME":
    case "NS":
    case "PTR":
      return bare(record.data)
    case "MX":
      return `${record.data.preference ?? 0} ${bare(record.data.exchange)}`
    case "SRV":
      return [record.data.priority ?? 0, record.data.weight ?? 0, record.data.port, bare(record.data.target)].join(" ")
    case "TXT":
      return [record.data].flat().map(String).join("")
    case "SOA":
      return `${bare(record.data.mname)} ${record.data.serial ?? 0}`
    case "CAA":
      return `${record.data.flags ?? 0} ${record.data.tag} ${record.data.value}`
    default:
      return record.type
  }
}

/** What an answer has to be. */
export interface DnsDemands {
  readonly name: string
  readonly type: RecordType
  /** `NOERROR`, `NXDOMAIN` … */
  readonly code: string
  /** All of these have to be among the records; none: any record of the type will do. */
  readonly records: ReadonlyArray<string>
}

/** Bytes of the header of a message. */
const header = 12

/**
 * Whether a message is an answer to the question that a message asks, with the same number. What only claims to be one costs
 * next to nothing: nothing of it is decoded.
 */
export const isAnswerTo = (message: Buffer, question: Buffer): boolean => {
  if (message.length < question.length || message.readUInt16BE(0) !== question.readUInt16BE(0)) return false
  const isAnswer = (message[2]! & 0x80) !== 0 && message.readUInt16BE(4) === 1
  // Names in any case; the other bytes of a question are no letters that could be mistaken
  const asked = (bytes: Buffer) => bytes.toString("latin1", header, question.length).toLowerCase()
  return isAnswer && asked(message) === asked(question)
}

/** Records of an answer that are decoded: many records that point to one long name take long. */
const maxRecords = 128

/** An answer that {@link isAnswerTo} took; or why it is not read. */
export const readAnswer = (message: Buffer): Result.Result<DecodedPacket, string> => {
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10)
  if (records > maxRecords) return Result.fail(`the answer has more than ${maxRecords} records`)
  try {
    return Result.succeed(dnsPacket.decode(message))
  } catch {
    return Result.fail(noAnswer)
  }
}

/** What is said of what is none. */
export const noAnswer = "the answer is no DNS, or to another question"

/** What is wrong with an answer (`""`: nothing), and what is in it. */
export const judgeDns = (
  { answers, rcode }: DecodedPacket & { readonly rcode?: string },
  { code, records, type }: DnsDemands
): { readonly error: string; readonly records: ReadonlyArray<string>; readonly code: string } => {
  const found = (answers ?? []).filter((record) => record.type === type).map(recordText)
  const got = rcode ?? "unknown"
  const wanted = (text: string) =>
    type === "TXT" || type === "CAA" ? text : type === "AAAA" ? plainIpv6(text) : bare(text)
  const error = got !== code
    ? `the name server answers ${got}`
    : code === "NOERROR" && found.length === 0
    ? `the answer has no ${type} record`
    : records.some((record) => !found.includes(wanted(record)))
    ? "the answer has other records than expected"
    : ""
  return { error, records: found.slice(0, 50).map((text) => text.slice(0, 500)), code: got }
}
