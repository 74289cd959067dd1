import { isIP } from "node:net"
import { readAddress } from "../../geo/address.ts"
import type { ClientSubnet } from "../ClientSubnet.ts"
import { type NameKey, nameKeyOf } from "../DomainName.ts"

/** What PowerDNS asks, as its remote backend writes it. */
export interface PdnsRequest {
  readonly method: string
  readonly parameters: Readonly<Record<string, unknown>>
}

/**
 * A look-up exactly as PowerDNS writes it, which is nearly all that comes: reading it as JSON would take as long as
 * answering it. Text without escapes is the same in JSON.
 */
const plainLookup =
  /^\{"method": "lookup", "parameters": \{"local": "[^"\\\x00-\x1f]*", "qname": "([^"\\\x00-\x1f]*)", "qtype": "([^"\\\x00-\x1f]*)", "real-remote": "([^"\\\x00-\x1f]*)", "remote": "([^"\\\x00-\x1f]*)", "zone-id": -?(?:0|[1-9]\d{0,9})\}\}$/

/** Reads a request; undefined when it is no JSON or has no method. */
export const readRequest = (text: string): PdnsRequest | undefined => {
  const plain = plainLookup.exec(text)
  if (plain !== null) {
    const [, qname, qtype, real, remote] = plain
    return { method: "lookup", parameters: { qname, qtype, "real-remote": real, remote } }
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  // By hand: it is done for every question, several times.
  if (typeof json !== "object" || json === null) return undefined
  const { method, parameters } = json as Record<string, unknown>
  if (typeof method !== "string") return undefined
  if (parameters === undefined) return { method, parameters: {} }
  return typeof parameters === "object" && parameters !== null && !Array.isArray(parameters)
    ? { method, parameters: parameters as Readonly<Record<string, unknown>> }
    : undefined
}

/** A parameter that is text, else `""`. */
export const textOf = ({ parameters }: PdnsRequest, name: string): string => {
  const value = parameters[name]
  return typeof value === "string" ? value : ""
}

/** The labels of a name, escapes read; undefined when one is none. */
const labelsOf = (text: string): ReadonlyArray<string> | undefined => {
  const relative = text.endsWith(".") ? text.slice(0, -1) : text
  if (!text.includes("\\")) return relative.split(".")
  const labels: Array<string> = []
  let label = ""
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (c === "\\") {
      const decimal = /^\d{3}/.exec(text.slice(i + 1, i + 4))?.[0]
      const byte = decimal === undefined ? text[i + 1] : String.fromCharCode(Number(decimal))
      if (byte === undefined) return undefined
      label += byte
      i += decimal === undefined ? 1 : 3
    } else if (c === ".") {
      labels.push(label)
      label = ""
    } else label += c
  }
  return label === "" ? labels : [...labels, label]
}

/**
 * Reads a name as PowerDNS writes it: absolute, `\.` and `\DDD` within labels (RFC 1035, 5.1). Undefined when it is none.
 */
export const readName = (text: string): NameKey | undefined => {
  if (text.length > 1024) return undefined
  const labels = text === "." ? [] : labelsOf(text)
  if (labels === undefined) return undefined
  let wire = ""
  for (const label of labels) {
    if (label === "" || label.length > 63) return undefined
    wire += String.fromCharCode(label.length) + label
  }
  return wire.length > 254 || !isLatin1.test(wire) ? undefined : nameKeyOf(wire)
}

/** The bytes of a name: PowerDNS writes no other characters, and JSON could. */
const isLatin1 = /^[\0-\xff]*$/

/** Who asks PowerDNS. */
export interface Remote {
  /** The address of the resolver; `""` when PowerDNS asks for itself. */
  readonly resolver: string
  /** The client subnet of its question, else the resolver itself as one. */
  readonly subnet: ClientSubnet | undefined
  /** Whether the client (the resolver, where it is not told) has an address of IPv6. */
  readonly isIpv6: boolean
}

const addressOf = (network: string): string => {
  const slash = network.indexOf("/")
  return slash < 0 ? network : network.slice(0, slash)
}

/** Reads `address/bits`; undefined when it is no network. */
export const readNetwork = (network: string): ClientSubnet | undefined => {
  const address = addressOf(network)
  const words = new Uint32Array(4)
  const read = readAddress(address, words)
  if (read === 0) return undefined
  const isMapped = read === 4 && address.includes(":")
  if (isMapped) words.set([0, 0, 0xffff, words[0]!])
  const family = isMapped ? 6 : read
  const longest = family === 4 ? 32 : 128
  const bits = address.length === network.length ? longest : Number(network.slice(address.length + 1))
  return Number.isInteger(bits) && bits >= 0 && bits <= longest
    ? { family, words, source: bits, start: 0, end: 0 }
    : undefined
}

/** Who asks, from the parameters `remote` and `real-remote`; either may be an address or a network. */
export const readRemote = (request: PdnsRequest): Remote => {
  const remote = textOf(request, "remote")
  const real = textOf(request, "real-remote")
  const resolver = addressOf(remote)
  const isInternal = isIP(resolver) === 0 || resolver === "0.0.0.0"
  if (isInternal) return { resolver: "", subnet: undefined, isIpv6: false }
  const subnet = readNetwork(real)
  const isTold = subnet !== undefined && subnet.source > 0
  return { resolver, subnet, isIpv6: isTold ? subnet.family === 6 : isIP(resolver) === 6 }
}
