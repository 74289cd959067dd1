import { type ClientSubnet, readClientSubnet } from "./ClientSubnet.ts"
import { type CookieOption, isCookieLength } from "./Cookies.ts"
import { type NameKey, nameKey } from "./DomainName.ts"
import { Flag, headerBytes, OptionCode, plainUdpBytes, Rcode, RecordType } from "./protocol.ts"

/*
 * Messages on the hot path. `dns-packet` encodes names and record data (once, when zone data is built) and serves the
 * client; queries are read here and responses put together in `encodeResponse.ts`, for two reasons. It turns labels into
 * UTF-8 text and joins them with dots, so that a question cannot be echoed as it came; and a bare echo with it reaches half
 * of one with this.
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
