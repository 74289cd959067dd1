import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import type { GeoEntry } from "../../src/geo/GeoEntry.ts"
import { GeoIp, type Place } from "../../src/geo/GeoIp.ts"

const osaka = { latitude: 34.6937, longitude: 135.5023 }
const berlin = { latitude: 52.52, longitude: 13.405 }

/** What a layer under test must know. */
export const conformanceEntries: ReadonlyArray<GeoEntry> = [
  {
    cidr: "203.0.113.0/24",
    location: osaka,
    city: "Osaka",
    country: "JP",
    countryName: "Japan",
    asn: 64496,
    organization: "Example Kansai"
  },
  { cidr: "198.51.100.0/22", location: berlin, country: "DE", countryName: "Germany" },
  { cidr: "198.51.102.0/25", asn: 64497, organization: "Example Berlin" },
  { cidr: "192.0.2.0/26", country: "XK" },
  { cidr: "192.0.2.64/26", location: { latitude: 0, longitude: 0 }, country: "GH", countryName: "Ghana" },
  { cidr: "2001:db8:81::/48", location: osaka, country: "JP", countryName: "Japan", asn: 64496 },
  { cidr: "2001:db8:49:1::/64", location: berlin, country: "DE", countryName: "Germany" },
  { cidr: "10.0.0.0/8", location: berlin, country: "DE", countryName: "Germany", asn: 64499 }
]

const unknown: Place = {
  location: undefined,
  country: "??",
  countryName: "Unknown",
  asn: "",
  network: "",
  prefix: 0
}

/** What every implementation of {@link GeoIp} that knows {@link conformanceEntries} must do. */
export const geoIpConformance = <E>(name: string, live: Layer.Layer<GeoIp, E>): void =>
  layer(live)(`GeoIp conformance: ${name}`, (it) => {
    const locate = (address: string) => GeoIp.use((geo) => Effect.succeed(geo.locate(address)))

    it.effect("knows place, country and network", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* locate("203.0.113.7"), {
          location: osaka,
          country: "JP",
          countryName: "Japan",
          asn: "AS64496",
          network: "Example Kansai",
          prefix: 24
        })
        assert.deepStrictEqual(yield* locate("2001:db8:81::7"), {
          location: osaka,
          country: "JP",
          countryName: "Japan",
          asn: "AS64496",
          network: "",
          prefix: 48
        })
      }))

    it.effect("treats an IPv4-mapped address as IPv4", () =>
      Effect.gen(function*() {
        const place = yield* locate("203.0.113.7")
        assert.deepStrictEqual(yield* locate("::ffff:203.0.113.7"), place)
        assert.deepStrictEqual(yield* locate("::FFFF:CB00:7107"), place)
      }))

    it.effect("says the longest prefix of the leaves used, misses included, within the caps", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* locate("198.51.100.1")).prefix, 23)
        const withAsn = yield* locate("198.51.102.1")
        assert.deepInclude(withAsn, { location: berlin, asn: "AS64497", prefix: 24 })
        const missedAsn = yield* locate("198.51.102.129")
        assert.deepInclude(missedAsn, { location: berlin, asn: "", prefix: 24 })
        assert.strictEqual((yield* locate("2001:db8:49:1::1")).prefix, 56)
      }))

    it.effect("knows what is there, and says unknown of the rest", () =>
      Effect.gen(function*() {
        assert.deepInclude(yield* locate("192.0.2.1"), { location: undefined, country: "XK", countryName: "XK" })
        assert.deepInclude(yield* locate("8.8.8.8"), { ...unknown, prefix: (yield* locate("8.8.8.8")).prefix })
        assert.isAbove((yield* locate("8.8.8.8")).prefix, 0)
      }))

    it.effect("never says (0, 0)", () =>
      Effect.gen(function*() {
        assert.deepInclude(yield* locate("192.0.2.65"), { location: undefined, country: "GH" })
      }))

    it.effect("says unknown of private and malformed addresses", () =>
      Effect.gen(function*() {
        for (
          const address of [
            "10.0.0.1",
            "127.0.0.1",
            "::1",
            "fe80::1",
            "",
            "nonsense",
            "203.0.113.7/24",
            "fe80::1%lo",
            "1.2.3"
          ]
        ) {
          assert.deepStrictEqual(yield* locate(address), unknown, address)
        }
      }))

    it.effect("says why something is not known, and the leaf without its cap", () =>
      Effect.gen(function*() {
        const examine = (address: string) => GeoIp.use((geo) => Effect.succeed(geo.examine(address)))
        for (const address of ["203.0.113.7", "198.51.100.1", "192.0.2.1", "2001:db8:49:1::1", "8.8.8.8", "x"]) {
          assert.deepStrictEqual((yield* examine(address)).place, yield* locate(address), address)
        }
        assert.deepInclude(yield* examine("203.0.113.7"), { leaf: 24, misses: {} })
        assert.deepInclude(yield* examine("198.51.102.1"), { leaf: 25, misses: {} })
        assert.deepInclude(yield* examine("198.51.102.129"), {
          leaf: 25,
          misses: { asn: { _tag: "NotFound", database: "ASN" } }
        })
        assert.strictEqual((yield* examine("2001:db8:49:1::1")).leaf, 64)
        const { misses } = yield* examine("192.0.2.1")
        assert.deepStrictEqual(misses, {
          location: { _tag: "NotSaid", database: "City" },
          asn: { _tag: "NotFound", database: "ASN" }
        })
        for (
          const [address, _tag] of [["10.0.0.1", "Placeless"], ["::1", "Placeless"], ["1.2.3", "Malformed"]] as const
        ) {
          const miss = { _tag }
          assert.deepStrictEqual(yield* examine(address), {
            place: unknown,
            leaf: 0,
            misses: { location: miss, country: miss, asn: miss }
          })
        }
      }))
  })
