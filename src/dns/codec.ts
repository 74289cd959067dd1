import { type ClientSubnet, readClientSubnet } from "./ClientSubnet.ts"
import { type CookieOption, isCookieLength } from "./Cookies.ts"
import { type NameKey, nameKey } from "./DomainName.ts"
import { Flag, headerBytes, maxUdpBytes, OptionCode, plainUdpBytes, Rcode, RecordType } from "./protocol.ts"

/*
 * Messages on the hot path. `dns-packet` encodes names and record data (once, when zone data is built) and serves the
 * client; queries are read and responses put together here, for two reasons. It turns labels into UTF-8 text and joins
 * them with dots, so that a question cannot be echoed as it came; and a bare echo with it reaches half of one with this.
 */

/** How the message came. */
export type Transport = "udp" | "tcp"

/** The EDNS part of a query (RFC 6891). */
export interface Edns {
  /** What the client takes over UDP, at least 512. */
  readonly udpBytes: number
  /** The DO bit, which is copied to the response (RFC 3225). */
  readonly dnssecOk: boolean
  readonly subnet: ClientSubnet | undefined
  /** The client's cookie (RFC 7873). */
  readonly cookie: CookieOption | undefined
  /** The client wants to know which server answers (RFC 5001). */
  readonly wantsNsid: boolean
}

/** A query as it was read. */
export interface Query {
  readonly id: number
  readonly opcode: number
  readonly recursionDesired: boolean
  /** The message itself: parts of it are echoed. */
  readonly packet: Buffer
  /**
   * Where QNAME, QTYPE and QCLASS end, which begin after the header; there too when they could not be read, or when
   * there is none and the client asks for a cookie only.
   */
  readonly questionEnd: number
  readonly key: NameKey
  readonly type: number
  readonly class: number
  readonly edns: Edns | undefined
}

/** A query, and whether it can be answered: `rcode` is `NOERROR`, or the error to answer with. */
export interface Decoded {
  readonly query: Query
  readonly rcode: number
}

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

/** More records than this in a query are not read. */
const maxRecords = 16

const u16 = (bytes: Uint8Array, at: number): number => bytes[at]! << 8 | bytes[at + 1]!

/** Where a name ends that begins at `at`, or -1. A pointer ends a name; `QNAME` has nothing it could point to. */
const endOfName = (bytes: Uint8Array, at: number, pointers: boolean): number => {
  let i = at
  while (i < bytes.length) {
    const length = bytes[i]!
    if (length === 0) return i - at > 254 ? -1 : i + 1
    if (length >= 0xc0) return pointers && i + 2 <= bytes.length ? i + 2 : -1
    if (length > 63) return -1
    i += 1 + length
  }
  return -1
}

/** `nameEnd` is where QNAME ends, -1 when the question could not be read. */
const queryOf = (packet: Buffer, nameEnd: number, edns: Edns | undefined): Query => {
  const flags = u16(packet, 2)
  const isReadable = nameEnd >= 0
  return {
    packet,
    id: u16(packet, 0),
    opcode: flags >> 11 & 15,
    recursionDesired: (flags & Flag.RD) !== 0,
    questionEnd: isReadable ? nameEnd + 4 : headerBytes,
    key: isReadable ? nameKey(packet, headerBytes, nameEnd - 1) : "" as NameKey,
    type: isReadable ? u16(packet, nameEnd) : 0,
    class: isReadable ? u16(packet, nameEnd + 2) : 0,
    edns
  }
}

/** Where the one OPT record's fixed part begins; -1 for none, -2 when the records cannot be read or there are two. */
const findOpt = (packet: Uint8Array, from: number): number => {
  const others = u16(packet, 6) + u16(packet, 8)
  const count = others + u16(packet, 10)
  if (count > maxRecords) return -2
  let opt = -1
  let i = from
  for (let n = 0; n < count; n++) {
    const fixed = endOfName(packet, i, true)
    if (fixed < 0 || fixed + 10 > packet.length) return -2
    if (u16(packet, fixed) === RecordType.OPT) {
      if (opt >= 0 || n < others || fixed !== i + 1) return -2
      opt = fixed
    }
    i = fixed + 10 + u16(packet, fixed + 8)
    if (i > packet.length) return -2
  }
  return i === packet.length ? opt : -2
}

/** What the options of an OPT record say, as they are read. */
interface Options {
  subnet: ClientSubnet | undefined
  cookie: CookieOption | undefined
  wantsNsid: boolean
  isSound: boolean
}

/**
 * Reads the options of an OPT record. They are not sound when one is malformed, or the client subnet comes twice; of
 * several cookies the first counts (RFC 7873, 5.2).
 */
const readOptions = (packet: Uint8Array, from: number, to: number): Options => {
  const options: Options = { subnet: undefined, cookie: undefined, wantsNsid: false, isSound: true }
  let i = from
  while (i < to) {
    const start = i + 4
    const end = start > to ? start : start + u16(packet, i + 2)
    if (end > to) {
      options.isSound = false
      break
    }
    switch (u16(packet, i)) {
      case OptionCode.SUBNET: {
        const read = readClientSubnet(packet, start, end)
        if (read === undefined || options.subnet !== undefined) options.isSound = false
        options.subnet = read
        break
      }
      case OptionCode.COOKIE:
        if (options.cookie !== undefined) break
        if (isCookieLength(end - start)) options.cookie = { start, end }
        else options.isSound = false
        break
      case OptionCode.NSID:
        options.wantsNsid = true
    }
    i = end
  }
  if (!options.isSound) options.subnet = undefined
  return options
}

const noOptions: Options = { subnet: undefined, cookie: undefined, wantsNsid: false, isSound: true }

/**
 * Reads a query. Undefined means silence: too short for a header, or a response (QR=1), which is never answered.
 *
 * One question and at most one OPT record (RFC 9619, 6891), no bytes left over; else FORMERR. A cookie may come without
 * a question (RFC 7873, 5.4). Other opcodes NOTIMP, other versions of EDNS BADVERS. Never throws; reads each byte once.
 */
export const decodeQuery = (packet: Buffer): Decoded | undefined => {
  if (packet.length < headerBytes || (packet[2]! & 0x80) !== 0) return undefined
  if ((packet[2]! & 0x78) !== 0) return { query: queryOf(packet, -1, undefined), rcode: Rcode.NOTIMP }
  const questions = u16(packet, 4)
  const nameEnd = questions === 1 ? endOfName(packet, headerBytes, false) : -1
  if (questions !== 0 && (nameEnd < 0 || nameEnd + 4 > packet.length)) {
    return { query: queryOf(packet, -1, undefined), rcode: Rcode.FORMERR }
  }
  const opt = findOpt(packet, questions === 0 ? headerBytes : nameEnd + 4)
  if (opt < 0) {
    const isSound = opt === -1 && questions !== 0
    return { query: queryOf(packet, nameEnd, undefined), rcode: isSound ? Rcode.NOERROR : Rcode.FORMERR }
  }
  const from = opt + 10
  const isKnownVersion = packet[opt + 5] === 0
  const options = isKnownVersion ? readOptions(packet, from, from + u16(packet, opt + 8)) : noOptions
  const edns: Edns = {
    udpBytes: Math.max(plainUdpBytes, u16(packet, opt + 2)),
    dnssecOk: (packet[opt + 6]! & 0x80) !== 0,
    subnet: options.subnet,
    cookie: options.cookie,
    wantsNsid: options.wantsNsid
  }
  const isSound = options.isSound && (questions !== 0 || options.cookie !== undefined)
  const rcode = !isKnownVersion ? Rcode.BADVERS : isSound ? Rcode.NOERROR : Rcode.FORMERR
  return { query: queryOf(packet, nameEnd, edns), rcode }
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
