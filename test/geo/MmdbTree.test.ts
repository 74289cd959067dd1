import { assert, describe, it } from "@effect/vitest"
import { IpNetwork, NetAddress } from "effect/net"
import * as Result from "effect/Result"
import fc from "fast-check"
import { Reader, type Response } from "mmdb-lib"
import { formatIpv4, readAddress } from "../../src/geo/address.ts"
import { openMmdb } from "../../src/geo/MmdbFile.ts"
import { flattenTree, MmdbTree } from "../../src/geo/MmdbTree.ts"
import { fields, writeMmdb } from "../../src/geo/MmdbWriter.ts"

/** Networks of which many nest. */
const cidr = fc.oneof(
  fc.tuple(fc.nat(3), fc.nat(255), fc.nat(32)).map(([a, b, length]) => [`${a}.${b}.17.1`, length] as const),
  fc.tuple(fc.nat(3), fc.nat(65_535), fc.integer({ min: 0, max: 128 })).map(([a, b, length]) =>
    [`${(0x2000 + a).toString(16)}:${b.toString(16)}:1:2:3:4:5:6`, length] as const
  )
).map(([address, length]) => IpNetwork.fromAddressUnsafe(NetAddress.ipFromStringUnsafe(address), length))

const sample = fc.record({
  networks: fc.array(cidr, { maxLength: 30 }),
  others: fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 20 }),
  recordSize: fc.constantFrom<24 | 28 | 32>(24, 28, 32),
  ipVersion: fc.constantFrom<4 | 6>(4, 6)
})

const build = (networks: ReadonlyArray<IpNetwork.IpNetwork>, recordSize: 24 | 28 | 32, ipVersion: 4 | 6) =>
  Result.getOrThrow(writeMmdb({
    databaseType: "GeoLite2-Country",
    description: "",
    builtAt: 0,
    recordSize,
    ipVersion,
    entries: networks.filter(({ address }) => ipVersion === 6 || NetAddress.isIpv4Address(address)).map((
      network,
      i
    ) => ({
      network: IpNetwork.format(network),
      record: fields({ country: fields({ iso_code: `C${i}` }) })
    }))
  }))

describe("MmdbTree", () => {
  it("finds what the library finds, in prefixes of the same length", () => {
    fc.assert(
      fc.property(sample, ({ ipVersion, networks, others, recordSize }) => {
        const bytes = build(networks, recordSize, ipVersion)
        const reader = new Reader<Response>(Buffer.from(bytes))
        const file = Result.getOrThrow(openMmdb(bytes))!
        const words = new Uint32Array(4)
        const addresses = [
          ...networks.flatMap((network) => [IpNetwork.firstAddress(network), IpNetwork.lastAddress(network)]),
          ...others.map((address) => NetAddress.ipFromStringUnsafe(address))
        ].map((address) => NetAddress.formatIp(address))
        for (const address of addresses) {
          const family = readAddress(address, words)
          if (family === 0 || !file.tree.has(family)) {
            assert.isTrue(family === 6 && ipVersion === 4)
            continue
          }
          // The library looks for IPv4-mapped addresses among those of IPv6.
          const text = family === 4 ? formatIpv4(words[0]!) : address
          const [found, depth] = reader.getWithPrefixLength(text) as unknown as [any, number]
          const { country } = file.record(file.tree.find(family, words))
          assert.strictEqual(country, found?.country.iso_code, address)
          assert.strictEqual(file.tree.depth, depth, address)
        }
      }),
      { numRuns: 500 }
    )
  })

  it("lists the first address of every IPv4 network that is known, and nothing else", () => {
    fc.assert(
      fc.property(sample, ({ networks, recordSize }) => {
        const file = Result.getOrThrow(openMmdb(build(networks, recordSize, 6)))!
        const all = [...file.tree.ipv4Addresses(Infinity)]
        assert.deepStrictEqual(all, [...new Set(all)].sort((a, b) => a - b))
        for (const word of all) assert.notStrictEqual(file.tree.find(4, Uint32Array.of(word)), 0)
        for (const network of networks) {
          const address = IpNetwork.firstAddress(network)
          if (!NetAddress.isIpv4Address(address)) continue
          const words = new Uint32Array(4)
          readAddress(NetAddress.formatIp(address), words)
          // In the network of an address that is listed.
          const number = file.tree.find(4, words)
          const { depth } = file.tree
          const first = depth === 0 ? 0 : (words[0]! & -1 << 32 - depth) >>> 0
          assert.isTrue(number === 0 || depth === 0 || all.includes(first))
        }
      }),
      { numRuns: 200 }
    )
  })

  it("lists no more than it may look at, by however many ways a tree leads there", () => {
    // Each node leads to the next both ways, the last to what is known: 2^20 ways.
    const nodeCount = 20
    const nodes = Buffer.alloc(nodeCount * 6)
    for (let at = 0; at < nodes.length; at += 3) nodes.writeUIntBE(Math.floor(at / 6) + 1, at, 3)
    nodes.writeUIntBE(nodeCount + 16, nodes.length - 6, 3)
    nodes.writeUIntBE(nodeCount + 16, nodes.length - 3, 3)
    const tree = new MmdbTree(flattenTree(nodes, { ipVersion: 4, nodeCount, recordSize: 24 }, () => 1)!)
    const count = (maxPlaces: number) => [...tree.ipv4Addresses(maxPlaces)].length
    assert.strictEqual(count(Infinity), 2 ** 16)
    assert.isAbove(count(1_000), 0)
    assert.isBelow(count(1_000), 100)
  })
})
