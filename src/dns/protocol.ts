export { maxTtl } from "../domain/documents/StaticDns.ts"

/** Record types by name: those that static data may have, and those that are treated apart (RFC 1035, 3596, 8482 …). */
export const RecordType = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  DS: 43,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257
} as const

/** Response codes (RFC 1035, 4.1.1; RFC 6891, 9 and 7873, 8 for those whose upper bits travel in the OPT record). */
export const Rcode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
  BADCOOKIE: 23
} as const

/** Options of an OPT record that are looked at (RFC 5001, 7871, 7873). */
export const OptionCode = { NSID: 3, SUBNET: 8, COOKIE: 10 } as const

/** Bits of the second 16 bits of a header. */
export const Flag = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RD: 0x0100 } as const

/** The class of the Internet. */
export const classIn = 1

/** The length of a header. */
export const headerBytes = 12

/** What a client without EDNS takes over UDP (RFC 1035, 4.2.1). */
export const plainUdpBytes = 512

/** The most that we send over UDP: fits an IPv6 packet of minimum size (DNS flag day 2020). */
export const maxUdpBytes = 1232

/** The most that the length before a message over TCP can say. */
export const maxTcpBytes = 65535

const invert = (table: Readonly<Record<string, number>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(table).map(([name, code]) => [code, name]))

const typeNames = invert(RecordType)
const rcodeNames = invert(Rcode)

/** Whether a record type has a name here. */
export const isKnownType = (type: number): boolean => typeNames.has(type)

/** The name of a record type that we know, else `other`: a label of bounded values. */
export const typeName = (type: number): string => typeNames.get(type) ?? "other"

/** The name of a response code that we send, else `other`. */
export const rcodeName = (rcode: number): string => rcodeNames.get(rcode) ?? "other"
