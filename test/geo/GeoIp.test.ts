import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Result from "effect/Result"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { writeDatabase } from "../../src/geo/GeoEntry.ts"
import { GeoIp } from "../../src/geo/GeoIp.ts"
import { openMmdb } from "../../src/geo/MmdbFile.ts"
import { fields, writeMmdb } from "../../src/geo/MmdbWriter.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { conformanceEntries, geoIpConformance } from "./GeoIp.conformance.ts"

const database = (kind: "City" | "Country" | "ASN", builtAt = 1_700_000_000_000) =>
  Result.getOrThrow(writeDatabase(kind, conformanceEntries, builtAt))

const all = {
  "CityLite.mmdb": database("City"),
  "GeoLite2-Country.mmdb": database("Country"),
  "dbip-asn-lite-2026-11.mmdb": database("ASN")
}

const directoryWith = (files: Readonly<Record<string, Uint8Array | string>>) =>
  Effect.gen(function*() {
    const directory = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "geodns-geo-"))),
      (directory) => Effect.promise(() => rm(directory, { recursive: true }))
    )
    for (const [name, content] of Object.entries(files)) {
      yield* Effect.promise(() => writeFile(join(directory, name), content))
    }
    return directory
  })

/** The service over a directory, with the conditions that it raised, as `name: detail`. */
const open = Effect.fnUntraced(function*(directory: string) {
  const context = yield* Layer.build(GeoIp.layer(directory).pipe(Layer.provideMerge(Conditions.layer)))
  const [geo, conditions] = yield* Effect.provide(
    Effect.all([GeoIp, Conditions.use((conditions) => conditions.current)]),
    context
  )
  return { geo, conditions: conditions.map(({ detail, name }) => `${name}: ${detail}`) }
})

geoIpConformance("memory", GeoIp.layerMemory(conformanceEntries))
geoIpConformance(
  "files",
  Layer.unwrap(Effect.map(directoryWith(all), GeoIp.layer)).pipe(Layer.provide(Conditions.layer))
)

describe("GeoIp.layer", () => {
  it.effect("tells kinds by what the files say, whatever their names", () =>
    Effect.gen(function*() {
      const { conditions, geo } = yield* open(yield* directoryWith(all))
      assert.deepStrictEqual(geo.databases.map(({ kind }) => kind).sort(), ["ASN", "City", "Country"])
      assert.isTrue(geo.databases.every(({ builtAt }) => builtAt === 1_700_000_000_000))
      assert.deepStrictEqual(conditions, [])
    }))

  it.effect("takes the newer of two of a kind", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({
        "a.mmdb": database("City", 1_000_000),
        "b.mmdb": database("City", 3_000_000),
        "c.mmdb": database("City", 2_000_000)
      })
      const { geo } = yield* open(directory)
      assert.deepStrictEqual(geo.databases, [{ file: join(directory, "b.mmdb"), kind: "City", builtAt: 3_000_000 }])
    }))

  it.effect("works with what there is, and says what is missing and what that costs", () =>
    Effect.gen(function*() {
      const noCity = yield* open(yield* directoryWith({ "country.mmdb": all["GeoLite2-Country.mmdb"] }))
      assert.deepInclude(noCity.geo.locate("203.0.113.7"), { location: undefined, country: "JP", asn: "" })
      assert.lengthOf(noCity.conditions, 1)
      assert.match(noCity.conditions[0]!, /^geoip: no city database, so .*; no ASN database, so usage has no networks/)
      assert.deepStrictEqual(noCity.geo.examine("203.0.113.7").misses, {
        location: { _tag: "NoDatabase", database: "City" },
        asn: { _tag: "NoDatabase", database: "ASN" }
      })
      assert.deepStrictEqual(noCity.geo.examine("8.8.8.8").misses.country, { _tag: "NotFound", database: "Country" })

      const cityOnly = yield* open(yield* directoryWith({ "city.mmdb": all["CityLite.mmdb"] }))
      assert.deepInclude(cityOnly.geo.locate("203.0.113.7"), { country: "JP", prefix: 24 })
      assert.lengthOf(cityOnly.conditions, 1)
      assert.notInclude(cityOnly.conditions[0]!, "country database")
    }))

  it.effect("tells a family that a database does not have from an address that it does not know", () =>
    Effect.gen(function*() {
      const ipv4 = Result.getOrThrow(writeMmdb({
        databaseType: "GeoLite2-City",
        description: "",
        builtAt: 0,
        ipVersion: 4,
        entries: [{ network: "203.0.113.0/24", record: fields({ country: fields({ iso_code: "JP" }) }) }]
      }))
      const { geo } = yield* open(yield* directoryWith({ "city.mmdb": ipv4 }))
      const location = { _tag: "NoFamily", database: "City" } as const
      const asn = { _tag: "NoDatabase", database: "ASN" } as const
      assert.deepInclude(geo.examine("2001:db8::1"), { leaf: 0, misses: { location, country: location, asn } })
      const missing = { _tag: "NotFound", database: "City" } as const
      assert.deepStrictEqual(geo.examine("8.8.8.8").misses, { location: missing, country: missing, asn })
    }))

  it.effect("says prefixes without private addresses, however large a leaf is", () =>
    Effect.gen(function*() {
      const sparse = Result.getOrThrow(writeDatabase("City", [{ cidr: "9.0.0.0/8", country: "US" }], 0))
      const { geo } = yield* open(yield* directoryWith({ "city.mmdb": sparse }))
      // 128.0.0.0/1 is one leaf, and holds 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 and 224.0.0.0/3.
      const prefixes = ["130.1.1.1", "169.253.0.1", "172.32.0.1", "192.1.1.1", "192.169.1.1", "193.1.1.1"]
        .map((address) => geo.locate(address).prefix)
      assert.deepStrictEqual(prefixes, [3, 15, 11, 9, 16, 8])
    }))

  it.effect("starts without a directory, and says so", () =>
    Effect.gen(function*() {
      const missing = join(tmpdir(), "geodns-no-such-directory")
      for (const [directory, said] of [["", "Maxmind.MaxmindDBPath names no directory"], [missing, missing]] as const) {
        const { conditions, geo } = yield* open(directory)
        assert.deepStrictEqual(geo.locate("203.0.113.7").prefix, 0)
        assert.lengthOf(conditions, 1)
        assert.include(conditions[0]!, said)
      }
    }))

  it.effect("survives broken files next to good ones, and names each", () =>
    Effect.gen(function*() {
      const city = all["CityLite.mmdb"]
      const { conditions, geo } = yield* open(
        yield* directoryWith({
          ...all,
          "empty.mmdb": "",
          "text.mmdb": "<html>quota exceeded</html>",
          "short.mmdb": city.subarray(0, city.length / 2),
          "tail.mmdb": city.subarray(city.length - 400),
          "README.txt": "not a database"
        })
      )
      assert.lengthOf(geo.databases, 3)
      assert.deepStrictEqual(geo.locate("203.0.113.7").country, "JP")
      assert.deepStrictEqual(
        conditions.map((condition) => condition.slice(0, condition.indexOf(": "))).sort(),
        ["geoip:empty.mmdb", "geoip:short.mmdb", "geoip:tail.mmdb", "geoip:text.mmdb"]
      )
    }))
})

describe("openMmdb", () => {
  const content = (databaseType: string) => ({ databaseType, description: "", builtAt: 0, entries: [] })

  it.each([
    ["GeoLite2-City", "City"],
    ["GeoIP2-Enterprise", "City"],
    ["DBIP-City-Lite", "City"],
    ["DBIP-Location-ISP (compat=Enterprise)", "City"],
    ["GeoLite2-Country", "Country"],
    ["DBIP-ASN-Lite (compat=GeoLite2-ASN)", "ASN"],
    ["GeoIP2-ISP", "ASN"],
    ["GeoIP2-Anonymous-IP", undefined]
  ])("%s is of kind %s", (databaseType, kind) => {
    const opened = openMmdb(Result.getOrThrow(writeMmdb(content(databaseType))))
    assert.strictEqual(Result.getOrThrow(opened)?.kind, kind)
  })

  it("gives a reason or a database that answers, whatever bytes are damaged", () => {
    const good = Result.getOrThrow(
      writeMmdb({
        ...content("GeoLite2-City"),
        entries: [{ network: "0.0.0.0/1", record: fields({ country: fields({ iso_code: "DE" }) }) }]
      })
    )
    const outcomes = new Set<string>()
    for (let at = 0; at < good.length; at++) {
      for (const bits of [0xff, 0x20, 0x01]) {
        const damaged = Uint8Array.from(good)
        damaged[at] = damaged[at]! ^ bits
        const opened = openMmdb(damaged)
        outcomes.add(opened._tag)
        if (Result.isFailure(opened)) assert.isNotEmpty(opened.failure)
        else if (opened.success !== undefined) {
          const words = new Uint32Array([0x01020304, 0, 0, 0])
          const record = opened.success.record(opened.success.tree.find(4, words))
          assert.include(["undefined", "string"], typeof record.country)
        }
      }
    }
    assert.deepStrictEqual([...outcomes].sort(), ["Failure", "Success"])
  })
})
