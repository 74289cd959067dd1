import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import fc from "fast-check"
import { type Asker, askerOf, readClientSubnet, writeClientSubnet } from "../../src/dns/ClientSubnet.ts"
import { isPlaceless } from "../../src/geo/address.ts"
import { type GeoEntry, writeDatabase } from "../../src/geo/GeoEntry.ts"
import type { GeoKind } from "../../src/geo/GeoKind.ts"
import { GeoLookup } from "../../src/geo/GeoLookup.ts"
import { openMmdb } from "../../src/geo/MmdbFile.ts"
import { rpc, serve } from "./world.ts"

type Family = 4 | 6

const lengths = { 4: 32, 6: 128 } as const

/** How addresses begin: public ones and those that are not, and what is right beside these. */
const starts = {
  4: [
    "",
    "0101",
    "11001011",
    "110010110000000001110001",
    "00000000", // 0.0.0.0/8
    "00001010", // 10.0.0.0/8
    "0110010001", // 100.64.0.0/10
    "01111111", // 127.0.0.0/8
    "1010100111111110", // 169.254.0.0/16
    "101011000001", // 172.16.0.0/12
    "1100000010101", // 192.168.0.0/13
    "1100000010101000", // 192.168.0.0/16
    "111"
  ],
  6: [
    "",
    "001",
    "0010101",
    "00111001011",
    "001110010110000000001110001",
    "1111110", // fc00::/7
    "111111101", // fe80::/9
    "1111111010", // fe80::/10
    "11111111", // ff00::/8
    "0".repeat(8),
    "0".repeat(52),
    "0".repeat(64),
    "0".repeat(80) + "1".repeat(16), // IPv4-mapped
    "0".repeat(96) + "110010110000000001110001",
    "0".repeat(124)
  ]
} as const

/** The first bits of an address as text: `1100…`, to compare prefixes by. */
const bitsOf = (family: Family, words: Uint32Array): string =>
  Array.from(words.subarray(0, family === 4 ? 1 : 4), (word) => word.toString(2).padStart(32, "0")).join("")

const textOf = (family: Family, bits: string): string => {
  const groups = bits.padEnd(family === 4 ? 32 : 128, "0").match(family === 4 ? /.{8}/g : /.{16}/g)!
  return groups.map((group) => Number.parseInt(group, 2).toString(family === 4 ? 10 : 16)).join(
    family === 4 ? "." : ":"
  )
}

/** Bits of an address: ones and zeros after some that are likely the same, so that prefixes nest. */
const address = (family: Family): fc.Arbitrary<string> =>
  fc.tuple(
    fc.constantFrom(...starts[family]),
    fc.array(fc.constantFrom("0", "1"), { minLength: lengths[family], maxLength: lengths[family] })
  ).map(([start, rest]) => start + rest.join("").slice(start.length))

const network = (family: Family): fc.Arbitrary<string> =>
  fc.tuple(address(family), fc.integer({ min: 1, max: family === 4 ? 32 : 72 })).map(([bits, length]) =>
    `${textOf(family, bits.slice(0, length))}/${length}`
  )

const anyNetwork = fc.constantFrom<Family>(4, 6).chain(network)

const latitudes = [-80, 0, 51, 80]

const entry: fc.Arbitrary<GeoEntry> = fc.record({
  cidr: anyNetwork,
  location: fc.option(fc.constantFrom(...latitudes).map((latitude) => ({ latitude, longitude: 8 })), {
    nil: undefined
  }),
  country: fc.option(fc.constantFrom("JP", "DE"), { nil: undefined }),
  asn: fc.option(fc.constantFrom(64500, 64501), { nil: undefined })
}).map(({ asn, cidr, country, location }) => ({
  cidr,
  ...(location === undefined ? {} : { location }),
  ...(country === undefined ? {} : { country }),
  ...(asn === undefined ? {} : { asn })
}))

const database = (kind: GeoKind, entries: ReadonlyArray<GeoEntry>) =>
  Result.getOrThrow(openMmdb(Result.getOrThrow(writeDatabase(kind, entries, 0))))!

/** Any of the three databases may be missing; each has networks of its own. */
const lookup = fc.record({
  City: fc.option(fc.array(entry, { maxLength: 30 }), { nil: undefined }),
  Country: fc.option(fc.array(entry, { maxLength: 10 }), { nil: undefined }),
  ASN: fc.option(fc.array(entry, { maxLength: 30 }), { nil: undefined })
})

const member = { services: ["Main"] }
const served = serve({
  members: {
    North: { ...member, at: [80, 8] },
    Rhine: { ...member, at: [50, 8] },
    Main: { ...member, at: [50.1, 8.1] },
    Guinea: { ...member, at: [0, 0] },
    South: { ...member, at: [-80, 8] }
  }
})

const resolver = "203.0.113.53"

/** Not from its text: that of an IPv4-mapped address is IPv4. */
const optionOf = (family: Family, bits: string, length: number) => {
  const octets = bits.slice(0, length).padEnd(Math.ceil(length / 8) * 8, "0").match(/.{8}/g) ?? []
  return Uint8Array.of(0, family === 4 ? 1 : 2, length, 0, ...octets.map((octet) => Number.parseInt(octet, 2)))
}

const askerAt = (family: Family, bits: string, length: number, locate: (address: string) => Asker["place"]) => {
  const option = optionOf(family, bits, length)
  const subnet = readClientSubnet(option, 0, option.length)!
  return {
    subnet: bitsOf(family, subnet.words),
    asker: askerOf(subnet, resolver, locate),
    isPlaceless: isPlaceless(family, subnet.words)
  }
}

describe("scopes", () => {
  it("never overlap with another answer, are capped, and have one answer each, whatever is in the databases", () => {
    const question = fc.constantFrom<Family>(4, 6).chain((family) =>
      fc.record({
        family: fc.constant(family),
        bits: address(family),
        length: fc.integer({ min: 1, max: lengths[family] })
      })
    )
    let nested = 0
    let shared = 0
    let placeless = 0
    let within = 0
    fc.assert(
      fc.property(lookup, fc.array(question, { minLength: 20, maxLength: 80 }), (databases, questions) => {
        const geo = new GeoLookup(
          (["City", "Country", "ASN"] as const).flatMap((kind) => {
            const entries = databases[kind]
            return entries === undefined ? [] : [database(kind, entries)]
          })
        )
        const answers = new Map<string, unknown>()
        for (const { bits, family, length } of questions) {
          const { asker, isPlaceless, subnet } = askerAt(family, bits, length, (address) => geo.locate(address))
          placeless += Number(isPlaceless)
          assert.isAtMost(asker.scope, family === 4 ? 24 : 56)
          assert.isAbove(asker.scope, 0, "scope 0 would be for everybody")
          const scope = `${family} ${subnet.slice(0, asker.scope)}`
          const members = [false, true].map((ipv6) => served.choose(rpc, ipv6, asker.client)!.members)
          // The client tells the answer of the resolver from those that happen to have the same members.
          const answer = { members, place: asker.place, client: asker.client }
          if (answers.has(scope)) {
            shared++
            assert.deepStrictEqual(answer, answers.get(scope), scope)
          }
          answers.set(scope, answer)
        }
        // Public scopes are clients of their own: only those that have the answer of the resolver may overlap.
        for (const [scope, answer] of answers) {
          for (let end = scope.length - 1; end > "4 ".length; end--) {
            const wider = answers.get(scope.slice(0, end))
            if (wider === undefined) continue
            within++
            assert.deepStrictEqual(answer, wider, `${scope} overlaps ${scope.slice(0, end)}`)
          }
        }
        nested += Number(new Set([...answers.keys()].map((scope) => scope.length)).size > 3)
      }),
      { numRuns: 300 }
    )
    assert.isAbove(nested, 50, "there were databases with scopes of many lengths")
    assert.isAbove(shared, 1_000, "many had the scope of another")
    assert.isAbove(placeless, 1_000, "many were private or unspecified")
    assert.isAbove(within, 100, "and had scopes within others, of the same answer")
  })

  it("of private subnets give the answer of the resolver, and of no other", () => {
    const geo = new GeoLookup([
      database("City", [{ cidr: "203.0.113.0/24", location: { latitude: 80, longitude: 8 } }])
    ])
    const ask = (network: string) => {
      const option = writeClientSubnet(network)!
      const asker = askerOf(
        readClientSubnet(option, 0, option.length),
        "203.0.113.53",
        (address) => geo.locate(address)
      )
      return served.choose(rpc, false, asker.client)!.members
    }
    for (const network of ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "fd00::/8"]) {
      assert.deepStrictEqual(ask(network), ["North"], network)
    }
  })
})
