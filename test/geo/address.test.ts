import { assert, describe, it } from "@effect/vitest"
import { NetAddress } from "effect/net"
import * as Result from "effect/Result"
import fc from "fast-check"
import { formatIpv4, isPlaceless, readAddress, uniformPrefix } from "../../src/geo/address.ts"

const read = (text: string) => {
  const words = new Uint32Array(4)
  const family = readAddress(text, words)
  return family === 0 ? undefined : { family, words: [...words.subarray(0, family === 4 ? 1 : 4)] }
}

const wordsOf = (octets: ReadonlyArray<number>) =>
  Array.from({ length: octets.length / 4 }, (_, i) => Buffer.from(octets.slice(i * 4, i * 4 + 4)).readUInt32BE())

/** What the library makes of the same text. */
const expected = (text: string) =>
  Result.getOrUndefined(Result.map(NetAddress.ipFromString(text), (address) => {
    if (NetAddress.isIpv4Address(address)) return { family: 4, words: wordsOf(NetAddress.ipv4ToOctets(address)) }
    const words = wordsOf(NetAddress.ipv6ToOctets(address))
    return NetAddress.isIpv4Mapped(address) ? { family: 4, words: words.slice(3) } : { family: 6, words }
  }))

describe("readAddress", () => {
  it("reads what the library reads, and refuses what it refuses", () => {
    const part = fc.oneof(
      fc.constantFrom(":", "::", ".", "ffff", "0", "00", "1.2.3.4", "256", "g", "%eth0", "/8", " ", "-1"),
      fc.nat(70000).map((n) => n.toString(16)),
      fc.nat(300).map(String)
    )
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.ipV4().map((ip) => `::ffff:${ip}`),
      fc.array(part, { maxLength: 17 }).map((parts) => parts.join("")),
      fc.array(fc.nat(70000).map((n) => n.toString(16)), { minLength: 6, maxLength: 9 }).map((groups) =>
        groups.join(":")
      ),
      fc.array(fc.nat(300).map(String), { minLength: 3, maxLength: 5 }).map((octets) => octets.join("."))
    )
    fc.assert(fc.property(text, (text) => assert.deepStrictEqual(read(text), expected(text), text)), { numRuns: 5000 })
  })

  it("leaves nothing of the address before", () => {
    const words = new Uint32Array(4)
    readAddress("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", words)
    readAddress("2001:db8::", words)
    assert.deepStrictEqual([...words], [0x20010db8, 0, 0, 0])
  })

  it("writes IPv4 as it was", () => {
    fc.assert(fc.property(fc.ipV4(), (ip) => assert.strictEqual(formatIpv4(read(ip)!.words[0]!), ip)))
  })
})

describe("isPlaceless", () => {
  const placeless = (text: string) => {
    const words = new Uint32Array(4)
    const family = readAddress(text, words)
    return family !== 0 && isPlaceless(family, words)
  }

  it.each([
    "0.0.0.0",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "127.0.0.1",
    "169.254.1.1",
    "172.16.0.0",
    "172.31.255.255",
    "192.168.0.0",
    "192.168.255.255",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "febf::1",
    "fc00::1",
    "fdff::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:7f00:1"
  ])("%s is nowhere", (address) => assert.isTrue(placeless(address)))

  it.each([
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "223.255.255.255",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "198.18.0.1",
    "2001:db8::1",
    "2600::1",
    "fec0::1",
    "fbff::1",
    "::2",
    "::ffff:203.0.113.1"
  ])("%s is looked up", (address) => assert.isFalse(placeless(address)))
})

describe("uniformPrefix", () => {
  const bitsOf = (words: ArrayLike<number>) => Array.from(words, (word) => word.toString(2).padStart(32, "0")).join("")
  const range = (text: string) => {
    const [address, length] = text.split("/")
    return bitsOf(read(address!)!.words).slice(0, Number(length))
  }
  const ranges = {
    4: [
      "0.0.0.0/8",
      "10.0.0.0/8",
      "127.0.0.0/8",
      "224.0.0.0/3",
      "100.64.0.0/10",
      "169.254.0.0/16",
      "172.16.0.0/12",
      "192.168.0.0/16"
    ].map(range),
    6: ["::/56", "fc00::/7", "fe80::/10", "ff00::/8"].map(range)
  }

  it("is of the largest network about an address without a placeless range in its middle", () => {
    const address = fc.constantFrom<4 | 6>(4, 6).chain((family) => {
      const length = family === 4 ? 32 : 128
      return fc.tuple(
        fc.constantFrom("", ...ranges[family]),
        fc.nat(56),
        fc.array(fc.constantFrom("0", "1"), { minLength: length, maxLength: length })
      ).map(([start, shared, rest]) => ({ family, bits: (start.slice(0, shared) + rest.join("")).slice(0, length) }))
    })
    let placeless = 0
    fc.assert(
      fc.property(address, ({ bits, family }) => {
        const words = Uint32Array.from(bits.match(/.{32}/g)!, (word) => Number.parseInt(word, 2))
        const prefix = uniformPrefix(family, words)
        const holdsRange = (length: number) =>
          ranges[family].some((range) => range.length > length && range.startsWith(bits.slice(0, length)))
        assert.isFalse(holdsRange(prefix))
        assert.isTrue(holdsRange(prefix - 1), "a shorter one would do")
        const isWithin = ranges[family].some((range) => bits.startsWith(range))
        // The first network of IPv6 is one for scopes only.
        if (family === 4 || !bits.startsWith(ranges[6][0]!)) assert.strictEqual(isPlaceless(family, words), isWithin)
        placeless += Number(isWithin)
      }),
      { numRuns: 5_000 }
    )
    assert.isAbove(placeless, 500)
  })
})
