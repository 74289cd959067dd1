/** What {@link readAddress} found: nothing, IPv4, or IPv6. */
export type AddressFamily = 0 | 4 | 6

const dot = 0x2e
const colon = 0x3a

/**
 * Reads an IP address into big-endian 32-bit words: one word for IPv4, four for IPv6. An IPv4-mapped IPv6 address is
 * IPv4. 0 when it is none; an address with a zone (`fe80::1%eth0`) means nothing elsewhere and is none.
 *
 * Own code, because it runs for every question: the parsers of `effect/net` make values at a fifth of the speed.
 */
export const readAddress = (text: string, words: Uint32Array): AddressFamily => {
  if (text.length > 45) return 0
  const ipv4 = readIpv4(text, 0)
  if (ipv4 >= 0) {
    words[0] = ipv4
    return 4
  }
  if (!readIpv6(text, words)) return 0
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) {
    words[0] = words[3]!
    return 4
  }
  return 6
}

/** Four decimal octets up to the end of the text, without leading zeros; -1 when it is not that. */
const readIpv4 = (text: string, from: number): number => {
  let value = 0
  let octet = -1
  let dots = 0
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit >= 0 && digit <= 9 && octet !== 0) {
      octet = octet < 0 ? digit : octet * 10 + digit
      if (octet > 255) return -1
    } else if (digit === dot - 0x30 && octet >= 0 && dots < 3) {
      value = value << 8 | octet
      octet = -1
      dots++
    } else return -1
  }
  return octet >= 0 && dots === 3 ? (value << 8 | octet) >>> 0 : -1
}

const hexDigit = (c: number): number =>
  c >= 0x30 && c <= 0x39 ? c - 0x30 : (c | 0x20) >= 0x61 && (c | 0x20) <= 0x66 ? (c | 0x20) - 0x57 : -1

/** RFC 4291, section 2.2: all three forms. */
const readIpv6 = (text: string, words: Uint32Array): boolean => {
  words[0] =
    words[1] =
    words[2] =
    words[3] =
      0
  let groups = 0
  let gap = -1
  let i = 0
  if (text.startsWith("::")) {
    gap = 0
    i = 2
  }
  while (i < text.length) {
    if (groups === 8) return false
    let value = 0
    const start = i
    for (; i < text.length && i - start < 4; i++) {
      const digit = hexDigit(text.charCodeAt(i))
      if (digit < 0) break
      value = value * 16 + digit
    }
    if (i < text.length && text.charCodeAt(i) === dot) {
      const ipv4 = readIpv4(text, start)
      if (ipv4 < 0 || groups > 6) return false
      setGroup(words, groups++, ipv4 >>> 16)
      setGroup(words, groups++, ipv4 & 0xffff)
      i = text.length
      break
    }
    if (i === start) return false
    setGroup(words, groups++, value)
    if (i === text.length) break
    if (text.charCodeAt(i++) !== colon) return false
    if (i < text.length && text.charCodeAt(i) === colon) {
      if (gap >= 0) return false
      gap = groups
      i++
    } else if (i === text.length) return false
  }
  if (gap < 0) return groups === 8
  if (groups === 8) return false
  const tail = groups - gap
  for (let k = 1; k <= tail; k++) {
    setGroup(words, 8 - k, groupAt(words, groups - k))
    setGroup(words, groups - k, 0)
  }
  return true
}

const groupAt = (words: Uint32Array, i: number): number =>
  (i & 1) === 0 ? words[i >> 1]! >>> 16 : words[i >> 1]! & 0xffff

const setGroup = (words: Uint32Array, i: number, value: number): void => {
  const word = words[i >> 1]!
  words[i >> 1] = (i & 1) === 0 ? (word & 0xffff) | (value << 16) : (word & 0xffff0000) | value
}

/**
 * Whether an address as {@link readAddress} left it says nothing about where it is: unspecified, private, shared (CGNAT),
 * loopback, link-local, multicast and reserved ones (RFC 6890). The ranges for documentation and benchmarks are looked up
 * like any other: databases for demos and tests use them.
 */
export const isPlaceless = (family: 4 | 6, words: Uint32Array): boolean => {
  const first = words[0]!
  if (family === 4) {
    const octet = first >>> 24
    return octet === 0 || octet === 10 || octet === 127 || octet >= 224 ||
      first >>> 22 === 0x191 || // 100.64.0.0/10
      first >>> 16 === 0xa9fe || // 169.254.0.0/16
      first >>> 20 === 0xac1 || // 172.16.0.0/12
      first >>> 16 === 0xc0a8 // 192.168.0.0/16
  }
  return first >>> 25 === 0x7e || // fc00::/7
    first >>> 22 === 0x3fa || // fe80::/10
    first >>> 24 === 0xff || // ff00::/8
    (first === 0 && words[1] === 0 && words[2] === 0 && words[3]! <= 1) // ::, ::1
}

const sharedBits = (a: number, b: number): number => Math.clz32(a ^ b)

/**
 * The bits of the shortest network about an address that is all of one kind: within one of the ranges of {@link isPlaceless},
 * or clear of them. Those networks never overlap. IPv4-mapped addresses share the first 56 bits of IPv6 with `::`, and count
 * as placeless here.
 *
 * Of each range: one bit more than the address shares with it, but no more than the range has.
 */
export const uniformPrefix = (family: 4 | 6, words: Uint32Array): number => {
  const first = words[0]!
  if (family === 4) {
    return Math.max(
      Math.min(8, 1 + sharedBits(first, 0)),
      Math.min(8, 1 + sharedBits(first, 0x0a000000)),
      Math.min(8, 1 + sharedBits(first, 0x7f000000)),
      Math.min(3, 1 + sharedBits(first, 0xe0000000)),
      Math.min(10, 1 + sharedBits(first, 0x64400000)),
      Math.min(16, 1 + sharedBits(first, 0xa9fe0000)),
      Math.min(12, 1 + sharedBits(first, 0xac100000)),
      Math.min(16, 1 + sharedBits(first, 0xc0a80000))
    )
  }
  return Math.max(
    first === 0 ? Math.min(56, 33 + sharedBits(words[1]!, 0)) : 1 + sharedBits(first, 0),
    Math.min(7, 1 + sharedBits(first, 0xfc000000)),
    Math.min(10, 1 + sharedBits(first, 0xfe800000)),
    Math.min(8, 1 + sharedBits(first, 0xff000000))
  )
}

/** The dotted form of an IPv4 word. */
export const formatIpv4 = (word: number): string =>
  `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`

/**
 * IPv6 as RFC 5952 wants it written: lower case, the longest row of zeros as `::`, IPv4-mapped addresses with the dotted form
 * at their end.
 */
export const formatIpv6 = (words: Uint32Array): string => {
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) return `::ffff:${formatIpv4(words[3]!)}`
  const groups = Array.from({ length: 8 }, (_, i) => groupAt(words, i).toString(16)).join(":")
  // The first of the longest; a single zero is not shortened.
  const longest = (groups.match(/\b0(?::0)+\b/g) ?? []).reduce((most, row) => row.length > most.length ? row : most, "")
  return longest === "" ? groups : groups.replace(new RegExp(`(?:^|:)\\b${longest}\\b(?::|$)`), "::")
}
