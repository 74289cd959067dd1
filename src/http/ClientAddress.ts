import { formatIpv4, readAddress } from "../geo/address.ts"

const hex = (word: number): string => word.toString(16).padStart(8, "0")

/**
 * Who counts as one client: an IPv4 address, or a /64 of IPv6, since every customer has that many addresses. What is no
 * address counts as one client, all together.
 */
export const clientGroup = (address: string): string => {
  const words = new Uint32Array(4)
  const family = readAddress(address, words)
  return family === 4 ? formatIpv4(words[0]!) : family === 6 ? `${hex(words[0]!)}${hex(words[1]!)}::/64` : "unknown"
}

const isLoopback = (address: string): boolean => {
  const words = new Uint32Array(4)
  const family = readAddress(address, words)
  return family === 4
    ? words[0]! >>> 24 === 127
    : family === 6 && words[0] === 0 && words[1] === 0 && words[2] === 0 && words[3] === 1
}

/**
 * Who asks, as {@link clientGroup}. A peer on this machine that passes requests on is a proxy, and the last address that it
 * forwards is the one that it saw; whatever stands before it anybody could have written.
 */
export const clientOf = (peer: string, forwardedFor: string | undefined): string => {
  const last = forwardedFor === undefined || !isLoopback(peer) ? "" : forwardedFor.split(",").at(-1)!.trim()
  const forwarded = last === "" ? "unknown" : clientGroup(last)
  return forwarded === "unknown" ? clientGroup(peer) : forwarded
}
