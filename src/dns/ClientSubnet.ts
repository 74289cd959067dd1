import { type AddressFamily, formatIpv4, isPlaceless, readAddress, uniformPrefix } from "../geo/address.ts"
import type { Place } from "../geo/GeoIp.ts"
import { scopeCap } from "../geo/GeoLookup.ts"
import type { Client } from "../steering/Choice.ts"
import { readSender } from "./ClientNetwork.ts"

/** A client subnet of a query (RFC 7871, 6). */
export interface ClientSubnet {
  readonly family: 4 | 6
  /** Big-endian words of the address, one or four; zero after `source` bits. */
  readonly words: Uint32Array
  /** SOURCE PREFIX-LENGTH; 0 asks us to forget about the client. */
  readonly source: number
  /** Where in the message the option's data begins and ends: it is echoed, with our SCOPE. */
  readonly start: number
  readonly end: number
}

/**
 * Reads the data of a client subnet option at `[start, end)` of a message. Undefined for what RFC 7871 (6, 7.1.2) wants
 * answered with FORMERR.
 */
export const readClientSubnet = (message: Uint8Array, start: number, end: number): ClientSubnet | undefined => {
  if (end - start < 4) return undefined
  const family = message[start]! << 8 | message[start + 1]!
  const source = message[start + 2]!
  if (family !== 1 && family !== 2) return undefined
  const isTooLong = source > (family === 1 ? 32 : 128)
  if (isTooLong || message[start + 3] !== 0 || end - start !== 4 + Math.ceil(source / 8)) return undefined
  const strayBits = source % 8 === 0 ? 0 : message[end - 1]! & 0xff >> source % 8
  if (strayBits !== 0) return undefined
  const words = new Uint32Array(family === 1 ? 1 : 4)
  for (let i = 0; i < end - start - 4; i++) words[i >> 2]! |= message[start + 4 + i]! << 24 - (i & 3) * 8
  return { family: family === 1 ? 4 : 6, words, source, start, end }
}

/** The data of a client subnet option for `address/bits` (or an address alone). Undefined when it is no network. */
export const writeClientSubnet = (network: string): Buffer | undefined => {
  const [host = "", bits, ...rest] = network.split("/")
  const words = new Uint32Array(4)
  const family = readAddress(host, words)
  const longest = family === 4 ? 32 : 128
  const source = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
  if (family === 0 || rest.length > 0 || !(source <= longest)) return undefined
  const bytes = Math.ceil(source / 8)
  const option = Buffer.alloc(4 + 16)
  option[1] = family === 4 ? 1 : 2
  option[2] = source
  words.forEach((word, i) => option.writeUInt32BE(word, 4 + i * 4))
  if (source % 8 !== 0) option[3 + bytes]! &= 0xff00 >> source % 8
  return option.subarray(0, 4 + bytes)
}

const group = (words: Uint32Array, i: number): number => (i & 1) === 0 ? words[i >> 1]! >>> 16 : words[i >> 1]! & 0xffff

const formatAddress = (family: 4 | 6, words: Uint32Array): string => {
  if (family === 4) return formatIpv4(words[0]!)
  let text = group(words, 0).toString(16)
  for (let i = 1; i < 8; i++) text += `:${group(words, i).toString(16)}`
  return text
}

/** The network of an address as text. No scope of IPv6 reaches into its lower half: the text ends with `::`. */
const formatScope = (family: 4 | 6, words: Uint32Array, bits: number): string => {
  if (family === 4) return `${formatIpv4((words[0]! & -1 << 32 - bits) >>> 0)}/${bits}`
  const groups: Array<string> = []
  for (let i = 0; i * 16 < bits; i++) {
    groups.push((group(words, i) & 0xffff0000 >> Math.min(16, bits - i * 16) & 0xffff).toString(16))
  }
  while (groups.at(-1) === "0") groups.pop()
  return `${groups.join(":")}::/${bits}`
}

/**
 * Whether the subnet says where a client is: not private, shared, link-local, loopback … and not IPv4 in disguise, which
 * shares the longest scope with the unspecified address.
 */
const saysWhere = (subnet: ClientSubnet): boolean =>
  subnet.source > 0 && !isPlaceless(subnet.family, capped(subnet.family, subnet.words))

/** Whether answers are tailored to a client subnet that begins with `address`: if not, they are to the resolver. */
export const isUsedAsSubnet = (address: string): boolean => {
  const words = new Uint32Array(4)
  const family = readAddress(address, words)
  return family !== 0 && !isPlaceless(family, capped(family, words))
}

/** Who a tailored answer is for. */
export interface Asker {
  readonly client: Client
  readonly place: Place
  /** SCOPE PREFIX-LENGTH of the answer, should the query have a client subnet. */
  readonly scope: number
}

/**
 * Whom an answer is tailored to: the client subnet when it is given and public, else the resolver (by its address).
 *
 * Without a database the scope is the longest one: all addresses under it get the same answer, and others may get
 * another. An answer that is the resolver's own has scope 0 when the client asked not to be looked at; otherwise it
 * holds for the subnet asked for alone, without what is public of it and for no more than a /8, so that no cache gives it to
 * everybody.
 */
export const askerOf = (
  subnet: ClientSubnet | undefined,
  resolver: string,
  locate: (address: string) => Place
): Asker => {
  if (subnet !== undefined && saysWhere(subnet)) return askerAt(subnet.family, subnet.words, locate)
  const words = new Uint32Array(4)
  const asker = askerAt(readSender(resolver, words), words, locate)
  const scope = subnet === undefined || subnet.source === 0
    ? 0
    : Math.min(longestScope(subnet.family), Math.max(8, subnet.source, uniformPrefix(subnet.family, subnet.words)))
  return { client: asker.client, place: asker.place, scope }
}

const longestScope = (family: 4 | 6): number => family === 4 ? scopeCap.ipv4 : scopeCap.ipv6

/** The network that the longest scope gives: a database may know its parts apart, but one scope has one answer. */
const capped = (family: 4 | 6, words: Uint32Array): Uint32Array =>
  family === 4
    ? Uint32Array.of(words[0]! & -1 << 32 - scopeCap.ipv4)
    : Uint32Array.of(words[0]!, words[1]! & -1 << 64 - scopeCap.ipv6, 0, 0)

const askerAt = (family: AddressFamily, words: Uint32Array, locate: (address: string) => Place): Asker => {
  if (family === 0) {
    const place = locate("")
    return { client: { location: place.location, scope: "" }, place, scope: 0 }
  }
  const place = locate(formatAddress(family, capped(family, words)))
  const longest = longestScope(family)
  const scope = place.prefix === 0 ? longest : Math.min(place.prefix, longest)
  return { client: { location: place.location, scope: formatScope(family, words, scope) }, place, scope }
}
