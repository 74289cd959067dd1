import { assert, describe, it } from "@effect/vitest"
import { IpNetwork, NetAddress } from "effect/net"
import * as Result from "effect/Result"
import fc from "fast-check"
import { Reader, type Response } from "mmdb-lib"
import { fields, type MmdbValue, uint, writeMmdb } from "../../src/geo/MmdbWriter.ts"

type RecordSize = 24 | 28 | 32

const write = (entries: ReadonlyArray<readonly [string, MmdbValue]>, recordSize?: RecordSize, ipVersion?: 4 | 6) =>
  writeMmdb({
    databaseType: "Test",
    description: "a test",
    builtAt: 1_700_000_000_000,
    ...(recordSize === undefined ? {} : { recordSize }),
    ...(ipVersion === undefined ? {} : { ipVersion }),
    entries: entries.map(([network, value]) => ({ network, record: fields({ value }) }))
  })

const read = (bytes: Uint8Array) => new Reader<Response>(Buffer.from(bytes))

/** A CIDR of an address, few enough of them that many nest. */
const cidr = fc.oneof(
  fc.tuple(fc.nat(3), fc.nat(255), fc.nat(32)).map(([a, b, length]) => [`${a}.${b}.17.1`, length] as const),
  fc.tuple(fc.nat(3), fc.nat(65535), fc.integer({ min: 0, max: 128 })).map(([a, b, length]) =>
    [`${(0x2000 + a).toString(16)}:${b.toString(16)}:1:2:3:4:5:6`, length] as const
  )
).map(([address, length]) => IpNetwork.fromAddressUnsafe(NetAddress.ipFromStringUnsafe(address), length))

/** The address and the length of its prefix as the tree has them: IPv4 lies under ::/96. */
const lift = (address: NetAddress.IpAddress, length: number): IpNetwork.IpNetwork =>
  NetAddress.isIpv4Address(address)
    ? IpNetwork.fromAddressUnsafe(
      NetAddress.ipv6FromBytesUnsafe(
        new Uint8Array([...Array<number>(12).fill(0), ...NetAddress.ipv4ToOctets(address)])
      ),
      96 + length
    )
    : IpNetwork.fromAddressUnsafe(address, length)

/** By the definition: the longest network that holds the address; the last of equal ones. */
const longest = (networks: ReadonlyArray<IpNetwork.IpNetwork>, address: NetAddress.IpAddress) => {
  const host = lift(address, NetAddress.width(address)).address
  let best: { readonly index: number; readonly length: number } | undefined
  networks.forEach((network, index) => {
    const lifted = lift(network.address, network.prefixLength)
    if (IpNetwork.contains(lifted, host) && (best === undefined || lifted.prefixLength >= best.length)) {
      best = { index, length: lifted.prefixLength }
    }
  })
  return best
}

describe("writeMmdb", () => {
  it("is read back: the most specific network wins", () => {
    const database = fc.record({
      networks: fc.array(cidr, { maxLength: 30 }),
      others: fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 10 }),
      recordSize: fc.constantFrom<RecordSize>(24, 28, 32)
    })
    fc.assert(fc.property(database, ({ networks, others, recordSize }) => {
      const written = write(networks.map((network, i) => [IpNetwork.format(network), i]), recordSize)
      const reader = read(Result.getOrThrow(written))
      assert.strictEqual(reader.metadata.recordSize, recordSize)
      const addresses = [
        ...networks.flatMap((network) => [IpNetwork.firstAddress(network), IpNetwork.lastAddress(network)]),
        ...others.map((address) => NetAddress.ipFromStringUnsafe(address))
      ]
      for (const address of addresses) {
        const [record, depth] = reader.getWithPrefixLength(NetAddress.formatIp(address))
        const best = longest(networks, address)
        assert.deepStrictEqual(record as unknown, best === undefined ? null : { value: best.index })
        // A leaf is never wider than the network that it is of, however nested ones split it.
        if (best !== undefined) {
          assert.isAtLeast(depth, Math.max(0, best.length - (NetAddress.isIpv4Address(address) ? 96 : 0)))
        }
      }
    }))
  })

  it("holds every type of value in every length", () => {
    const value: fc.Arbitrary<MmdbValue> = fc.letrec<{ value: MmdbValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.string({ unit: "binary" }),
        fc.boolean(),
        fc.double({ noNaN: true }),
        fc.tuple(fc.constantFrom(16 as const, 32 as const), fc.nat(65535)).map(([bits, n]) => uint(bits, n)),
        fc.nat(2 ** 31 - 1).map((n) => uint(32, n)),
        fc.array(tie("value"), { maxLength: 40 }),
        fc.dictionary(fc.string().filter((key) => key !== "__proto__"), tie("value")).map((map) =>
          new Map(Object.entries(map))
        )
      )
    })).value
    const plain = (value: MmdbValue): unknown =>
      Array.isArray(value)
        ? value.map(plain)
        : value instanceof Map
        ? Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
        : typeof value === "object" && "bits" in value
        ? value.value
        : value
    fc.assert(fc.property(value, (value) => {
      const reader = read(Result.getOrThrow(write([["192.0.2.0/24", value]])))
      assert.deepStrictEqual(reader.get("192.0.2.1") as unknown, { value: plain(value) })
    }))
    for (const length of [28, 29, 284, 285, 65820, 65821, 70000]) {
      const reader = read(Result.getOrThrow(write([["192.0.2.0/24", "x".repeat(length)]])))
      assert.deepStrictEqual(reader.get("192.0.2.1") as unknown, { value: "x".repeat(length) })
    }
  })

  it("says in its metadata what it is", () => {
    const { metadata } = read(Result.getOrThrow(write([["192.0.2.0/24", 1]])))
    assert.strictEqual(metadata.databaseType, "Test")
    assert.strictEqual(metadata.buildEpoch.getTime(), 1_700_000_000_000)
    assert.strictEqual(metadata.ipVersion, 6)
    assert.deepStrictEqual(metadata.languages, ["en"])
  })

  it("writes a tree for IPv4 alone, and takes no IPv6 network into it", () => {
    const reader = read(Result.getOrThrow(write([["192.0.2.0/24", 1]], 24, 4)))
    assert.strictEqual(reader.metadata.ipVersion, 4)
    assert.deepStrictEqual(reader.getWithPrefixLength("192.0.2.9") as unknown, [{ value: 1 }, 24])
    const refused = write([["2001:db8::/32", 1]], 24, 4)
    assert.strictEqual(Result.getOrThrow(Result.flip(refused)).network, "2001:db8::/32")
  })

  it.each(["", "192.0.2.1", "192.0.2.1/24", "192.0.2.0/33", "nonsense/8"])("refuses %j as a network", (network) => {
    assert.strictEqual(Result.getOrThrow(Result.flip(write([[network, 1]]))).network, network)
  })

  it("stores equal records once", () => {
    const one = Result.getOrThrow(write([["192.0.2.0/25", "same"], ["192.0.2.128/25", "same"]]))
    const two = Result.getOrThrow(write([["192.0.2.0/25", "same"], ["192.0.2.128/25", "else"]]))
    assert.isBelow(one.length, two.length)
  })
})
