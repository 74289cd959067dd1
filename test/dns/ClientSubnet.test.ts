import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { askerOf, readClientSubnet, writeClientSubnet } from "../../src/dns/ClientSubnet.ts"
import { unknownPlace } from "../../src/geo/GeoLookup.ts"
import { locate } from "./samples.ts"

const readOption = (option: Uint8Array) => readClientSubnet(option, 0, option.length)
const subnet = (network: string) => readOption(writeClientSubnet(network)!)!

describe("client subnets", () => {
  it("are written without the bits after the prefix", () => {
    const hex = (network: string) => writeClientSubnet(network)?.toString("hex")
    assert.strictEqual(hex("203.0.113.7/24"), "00011800cb0071")
    assert.strictEqual(hex("203.0.127.255/18"), "00011200cb0040")
    assert.strictEqual(hex("203.0.113.7"), "00012000cb007107")
    assert.strictEqual(hex("0.0.0.0/0"), "00010000")
    assert.strictEqual(hex("2001:db8:8100::/33"), "0002210020010db880")
    assert.strictEqual(hex("::/0"), "00020000")
    for (const none of ["", "here", "203.0.113.0/33", "::/129", "203.0.113.0/24/1", "203.0.113.0/", "203.0.113.0/-1"]) {
      assert.isUndefined(hex(none), none)
    }
  })

  it("read back what was written", () => {
    fc.assert(fc.property(fc.ipV4(), fc.nat(32), (address, bits) => {
      const read = subnet(`${address}/${bits}`)
      assert.strictEqual(read.source, bits)
      assert.strictEqual(read.family, 4)
    }))
    fc.assert(fc.property(fc.ipV6(), fc.nat(128), (address, bits) => {
      const written = writeClientSubnet(`${address}/${bits}`)!
      assert.isDefined(readOption(written))
    }))
  })

  it("have no other form", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        const read = readOption(bytes)
        if (read === undefined) return
        assert.isTrue(read.source <= (read.family === 4 ? 32 : 128))
        assert.strictEqual(bytes.length, 4 + Math.ceil(read.source / 8))
      }),
      { numRuns: 20_000 }
    )
  })
})

describe("whom an answer is for", () => {
  const resolver = "203.0.113.53"
  const clientAt = (address: string, at: typeof locate) => askerOf(undefined, address, at).client

  it("is the subnet when it is given and public, whatever its length", () => {
    const asker = askerOf(subnet("2001:db8:81:2::/64"), resolver, locate)
    assert.deepStrictEqual(asker.client, { location: { latitude: 52, longitude: 13 }, scope: "2001:db8:81::/48" })
    assert.strictEqual(asker.scope, 48)
    assert.strictEqual(askerOf(subnet("203.0.113.0/24"), "192.0.2.1", locate).scope, 20)
  })

  it("is the resolver when the subnet is private, local or hidden", () => {
    const local = [
      "10.0.0.0/8",
      "172.16.3.0/24",
      "192.168.1.0/24",
      "100.64.0.0/10",
      "127.0.0.0/8",
      "169.254.1.0/24",
      "0.0.0.0/24",
      "224.0.0.0/3",
      "240.0.0.0/4",
      "fe80::/64",
      "fc00::/7",
      "fd12:3456::/48",
      "::1/128",
      "ff02::1/128"
    ].map((network) => [network, subnet(network)] as const)
    const mapped = Buffer.from("0002800000000000000000000000ffffcb007107", "hex")
    for (const [network, read] of [...local, ["::ffff:203.0.113.7/128", readOption(mapped)!] as const]) {
      const asker = askerOf(read, resolver, locate)
      assert.strictEqual(asker.client.scope, "203.0.112.0/20", network)
      // Never for a large part of all addresses, however little of its own the client shows.
      assert.isAtLeast(asker.scope, 8, network)
      assert.isAtMost(asker.scope, 56, network)
    }
  })

  it("is the resolver, scope 0, when SOURCE is 0 or there is no subnet", () => {
    for (const none of [subnet("0.0.0.0/0"), subnet("::/0"), undefined]) {
      const asker = askerOf(none, resolver, locate)
      assert.deepStrictEqual([asker.client.scope, asker.scope], ["203.0.112.0/20", 0])
    }
  })

  it("has a scope that is the address's own, at most /24 and /56, also without a database", () => {
    const nowhere = () => unknownPlace
    assert.strictEqual(clientAt("198.18.255.255", nowhere).scope, "198.18.255.0/24")
    assert.strictEqual(clientAt("2001:db8:1:2ff:3::1", nowhere).scope, "2001:db8:1:200::/56")
    assert.strictEqual(clientAt("::1", nowhere).scope, "::/56")
    assert.strictEqual(clientAt("1:0:0:100::", nowhere).scope, "1:0:0:100::/56")
    assert.deepStrictEqual(clientAt("not an address", nowhere), { location: undefined, scope: "" })
    assert.isUndefined(clientAt("198.18.255.255", nowhere).location)
    const deep = () => ({ ...unknownPlace, prefix: 128 })
    assert.strictEqual(clientAt("203.0.113.7", deep).scope, "203.0.113.0/24")
    const shallow = () => ({ ...unknownPlace, prefix: 1 })
    assert.strictEqual(clientAt("203.0.113.7", shallow).scope, "128.0.0.0/1")
  })

  it("is looked up by its scope, whatever parts of it a database knows apart", () => {
    const asked: Array<string> = []
    const note = (address: string) => {
      asked.push(address)
      return { ...unknownPlace, prefix: 128 }
    }
    for (const address of ["203.0.113.7", "203.0.113.200", "2001:db8:1:2ff:3::1", "2001:db8:1:200::"]) {
      clientAt(address, note)
    }
    assert.deepStrictEqual(asked, ["203.0.113.0", "203.0.113.0", "2001:db8:1:200:0:0:0:0", "2001:db8:1:200:0:0:0:0"])
  })

  it("is the same for all addresses of a scope, so that a scope has one answer", () => {
    const place = (prefix: number) => () => ({ ...unknownPlace, prefix })
    fc.assert(fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.integer({ min: 1, max: 24 }), (a, b, prefix) => {
      const mask = -1 << 32 - prefix
      const text = (word: number) => [word >>> 24, word >>> 16 & 255, word >>> 8 & 255, word & 255].join(".")
      const other = (a & mask | b & ~mask) >>> 0
      assert.strictEqual(clientAt(text(a), place(prefix)).scope, clientAt(text(other), place(prefix)).scope)
    }))
  })
})
