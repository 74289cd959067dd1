import type { Edns, Query } from "./decodeQuery.ts"
import { Flag, headerBytes, maxUdpBytes, OptionCode, plainUdpBytes, RecordType } from "./protocol.ts"

/** Records of one name and type. Each of `data` begins with its length, as on the wire. `ttl` in seconds. */
export interface RecordSet {
  readonly type: number
  readonly ttl: number
  readonly data: ReadonlyArray<Uint8Array>
}

/** Records in a section of a response. */
export interface Entry {
  /** On the wire; undefined for the name of the question, whose case it then has. */
  readonly owner: Uint8Array | undefined
  readonly set: RecordSet
}

/** What a response says. */
export interface Reply {
  readonly rcode: number
  readonly authoritative: boolean
  readonly answers: ReadonlyArray<Entry>
  readonly authority: ReadonlyArray<Entry>
  readonly additional: ReadonlyArray<Entry>
  /** SCOPE PREFIX-LENGTH, echoed with the client subnet of the query; 0 for answers that are the same for everybody. */
  readonly scope: number
  /** Further options as on the wire, for a query that has an OPT record. */
  readonly options: Buffer | undefined
}

/** A response on the wire. */
export interface Encoded {
  readonly bytes: Buffer
  /** It was too long: the records are left out, and TC is set. */
  readonly truncated: boolean
}

const sizeOf = (entries: ReadonlyArray<Entry>): number => {
  let size = 0
  for (const { owner, set } of entries) {
    for (const data of set.data) size += (owner === undefined ? 2 : owner.length) + 8 + data.length
  }
  return size
}

const countOf = (entries: ReadonlyArray<Entry>): number => {
  let count = 0
  for (const entry of entries) count += entry.set.data.length
  return count
}

/** Where in the question `owner` is already written as the end of its name, or -1 (RFC 1035, 4.1.4). */
const findInQuestion = ({ packet, questionEnd }: Query, owner: Uint8Array): number => {
  const end = questionEnd - 4
  let start = headerBytes
  while (end - start > owner.length) start += 1 + packet[start]!
  if (end - start !== owner.length) return -1
  for (let i = 0; i < owner.length; i++) {
    const byte = packet[start + i]!
    if ((byte >= 65 && byte <= 90 ? byte + 32 : byte) !== owner[i]) return -1
  }
  return start
}

const writeU16 = (out: Buffer, at: number, value: number): number => {
  out[at] = value >> 8
  out[at + 1] = value
  return at + 2
}

const writeEntries = (out: Buffer, at: number, entries: ReadonlyArray<Entry>, query: Query): number => {
  let i = at
  for (const { owner, set } of entries) {
    const pointer = owner === undefined ? headerBytes : findInQuestion(query, owner)
    for (const data of set.data) {
      if (pointer >= 0) i = writeU16(out, i, 0xc000 | pointer)
      else {
        out.set(owner!, i)
        i += owner!.length
      }
      i = writeU16(out, i, set.type)
      i = writeU16(out, i, 1)
      i = out.writeUInt32BE(set.ttl, i)
      out.set(data, i)
      i += data.length
    }
  }
  return i
}

const optionBytes = ({ subnet }: Edns, { options }: Reply): number =>
  (subnet === undefined ? 0 : 4 + subnet.end - subnet.start) + (options === undefined ? 0 : options.length)

const writeOpt = (out: Buffer, at: number, packet: Buffer, edns: Edns, reply: Reply): number => {
  const { dnssecOk, subnet } = edns
  let i = at
  out[i++] = 0
  i = writeU16(out, i, RecordType.OPT)
  i = writeU16(out, i, maxUdpBytes)
  out[i++] = reply.rcode >> 4
  out[i++] = 0
  i = writeU16(out, i, dnssecOk ? 0x8000 : 0)
  i = writeU16(out, i, optionBytes(edns, reply))
  if (subnet !== undefined) {
    i = writeU16(out, i, OptionCode.SUBNET)
    i = writeU16(out, i, subnet.end - subnet.start)
    packet.copy(out, i, subnet.start, subnet.end)
    out[i + 3] = reply.scope
    i += subnet.end - subnet.start
  }
  if (reply.options !== undefined) i += reply.options.copy(out, i)
  return i
}

const none: ReadonlyArray<Entry> = []

/**
 * Writes the response to a query: question and client subnet echoed as they came, RA clear. More than `limit` bytes
 * become a response without records and with TC. Question and OPT alone always fit 512 bytes: `reply.options` has at most
 * 172.
 */
export const encodeResponse = (query: Query, reply: Reply, limit: number): Encoded => {
  const room = query.questionEnd + sizeOf(reply.answers) + sizeOf(reply.authority) + sizeOf(reply.additional) +
    (query.edns === undefined ? 0 : 11 + optionBytes(query.edns, reply))
  const bytes = write(query, reply, room, false)
  return bytes.length <= limit ? { bytes, truncated: false } : { bytes: encodeTruncated(query, reply), truncated: true }
}

/** Writes the response without its records and with TC: the client is to ask again over TCP. */
export const encodeTruncated = (query: Query, reply: Reply): Buffer =>
  write(query, { ...reply, answers: none, authority: none, additional: none }, plainUdpBytes, true)

const write = (query: Query, reply: Reply, room: number, truncated: boolean): Buffer => {
  const { edns, packet, questionEnd } = query
  const out = Buffer.allocUnsafe(room)
  writeU16(out, 0, query.id)
  writeU16(
    out,
    2,
    Flag.QR | query.opcode << 11 | (reply.authoritative ? Flag.AA : 0) | (truncated ? Flag.TC : 0) |
      (query.recursionDesired ? Flag.RD : 0) | reply.rcode & 15
  )
  writeU16(out, 4, questionEnd === headerBytes ? 0 : 1)
  writeU16(out, 6, countOf(reply.answers))
  writeU16(out, 8, countOf(reply.authority))
  writeU16(out, 10, countOf(reply.additional) + (edns === undefined ? 0 : 1))
  packet.copy(out, headerBytes, headerBytes, questionEnd)
  let i = writeEntries(out, questionEnd, reply.answers, query)
  i = writeEntries(out, i, reply.authority, query)
  i = writeEntries(out, i, reply.additional, query)
  if (edns !== undefined) i = writeOpt(out, i, packet, edns, reply)
  return i === room ? out : out.subarray(0, i)
}
