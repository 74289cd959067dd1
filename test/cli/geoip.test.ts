import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { writeDatabase } from "../../src/geo/GeoEntry.ts"
import { database, packed, type Provider, startProvider } from "../geo/provider.ts"
import { lines, run } from "./geodns.ts"
import { command } from "./inProcess.ts"
import { operatorFolder } from "./operator.ts"

/** An operator's folder with these databases. */
const withDatabases = Effect.fnUntraced(function*(...kinds: ReadonlyArray<"City" | "ASN">) {
  const folder = yield* operatorFolder()
  const directory = join(folder, "work/maxmind")
  mkdirSync(directory, { recursive: true })
  for (const kind of kinds) writeFileSync(join(directory, `Test-${kind}.mmdb`), database(kind, 135.5))
  return { config: join(folder, "local.json"), directory }
})

describe("geodns geoip lookup", () => {
  it.live("says where addresses are, and which are unknown", () =>
    Effect.gen(function*() {
      const { config, directory } = yield* withDatabases("City", "ASN")
      const { code, stderr, stdout } = yield* run(
        "geoip",
        "lookup",
        "203.0.113.7",
        "10.0.0.1",
        "198.51.100.1",
        "--config",
        config
      )
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stderr, "")
      const [head, known, unknown, missed, ...files] = lines(stdout)
      assert.match(head!, /^address +country +coordinates +network +prefix +unknown because$/)
      assert.match(known!, /^203\.0\.113\.7 +Japan \(JP\) +1, 135\.5 +AS64496 Net 135\.5 +\/24$/)
      assert.match(unknown!, /^10\.0\.0\.1 +unknown +unknown +unknown +private or reserved$/)
      assert.match(missed!, /unknown +\/\d+ +not in the City database, not in the ASN database$/)
      assert.deepStrictEqual(files.sort(), [
        `ASN of 2023-11-14: ${directory}/Test-ASN.mmdb`,
        `City of 2023-11-14: ${directory}/Test-City.mmdb`
      ])
    }).pipe(Effect.scoped), 120_000)

  it.live("prints JSON for programs, from any folder", () =>
    Effect.gen(function*() {
      const { directory } = yield* withDatabases("City")
      const { ok, stderr, stdout } = yield* command(
        ["geoip", "lookup", "::ffff:203.0.113.7", "2001:db8::1", "--directory", directory, "--json"]
      )
      assert.isTrue(ok, stderr)
      const unknown = { location: null, country: "??", countryName: "Unknown", asn: "", network: "" }
      const { databases, places, problems } = JSON.parse(stdout)
      assert.deepStrictEqual(databases, [
        { kind: "City", file: join(directory, "Test-City.mmdb"), built: "2023-11-14T22:13:20.000Z" }
      ])
      const place = {
        ...unknown,
        location: { latitude: 1, longitude: 135.5 },
        country: "JP",
        countryName: "Japan",
        prefix: 24
      }
      assert.deepStrictEqual(places[0], {
        ...place,
        address: "::ffff:203.0.113.7",
        databasePrefix: 24,
        scope: "203.0.113.0/24",
        answered: place,
        misses: { asn: { _tag: "NoDatabase", database: "ASN" } },
        because: "no ASN database"
      })
      assert.deepInclude(places[1], {
        ...unknown,
        address: "2001:db8::1",
        because: "not in the City database, no ASN database"
      })
      assert.lengthOf(problems, 1)
      assert.include(problems[0], "no ASN database, so usage has no networks")
    }).pipe(Effect.scoped), 120_000)

  it.live("answers the good ones beside a bad one, and exits with 1", () =>
    Effect.gen(function*() {
      const { directory } = yield* withDatabases("City", "ASN")
      const asked = ["geoip", "lookup", "203.0.113.700", "203.0.113.7", "not\u001b[31mone", "--directory", directory]
      const { ok, stderr, stdout } = yield* command(asked)
      assert.isFalse(ok)
      assert.include(stderr, "no IP address: 203.0.113.700, not [31mone")
      const [, bad, good, worse] = lines(stdout)
      assert.match(bad!, /^203\.0\.113\.700 +unknown +unknown +unknown +no IP address$/)
      assert.match(good!, /^203\.0\.113\.7 +Japan \(JP\)/)
      assert.match(worse!, /^not \[31mone +unknown .*no IP address$/)
      const json = yield* command([...asked, "--json"])
      assert.isFalse(json.ok)
      const { places } = JSON.parse(json.stdout)
      assert.deepStrictEqual(places.map(({ country }: any) => country), ["??", "JP", "??"])
      assert.deepInclude(places[0], { scope: null, answered: null, databasePrefix: 0 })
      assert.deepStrictEqual(places[0].misses.asn, { _tag: "Malformed" })
    }).pipe(Effect.scoped), 120_000)

  it.live(
    "says what an answer is kept for where the databases know smaller networks apart",
    () =>
      Effect.gen(function*() {
        const { directory } = yield* withDatabases()
        const at = (cidr: string, country: string, latitude: number) => ({
          cidr,
          country,
          location: { latitude, longitude: 10 }
        })
        const networks = [
          at("203.0.113.0/25", "JP", 1),
          at("203.0.113.128/25", "DE", 2),
          at("2001:db8:1:100::/64", "FR", 3),
          at("198.51.100.0/24", "NL", 4)
        ]
        writeFileSync(join(directory, "City.mmdb"), Result.getOrThrow(writeDatabase("City", networks, 0)))
        const { ok, stderr, stdout } = yield* command(
          [
            "geoip",
            "lookup",
            "203.0.113.7",
            "203.0.113.200",
            "2001:db8:1:100::7",
            "198.51.100.7",
            "--directory",
            directory
          ]
        )
        assert.isTrue(ok, stderr)
        assert.deepStrictEqual(lines(stdout).filter((line) => line.includes(" is in a ")), [
          "203.0.113.7 is in a /25 of the databases; an answer is made and kept for 203.0.113.0/24",
          "203.0.113.200 is in a /25 of the databases; an answer is made and kept for 203.0.113.0/24, "
          + "by what is known of 203.0.113.0 (country JP (JP), coordinates 1, 10, network unknown)",
          "2001:db8:1:100::7 is in a /64 of the databases; an answer is made and kept for 2001:db8:1:100::/56"
        ])
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("refuses what it cannot look up", () =>
    Effect.gen(function*() {
      const { config, directory } = yield* withDatabases()
      writeFileSync(join(directory, "City.mmdb"), "<html>")
      const lookup = (...args: ReadonlyArray<string>) => command(["geoip", "lookup", ...args])
      const none = yield* lookup("203.0.113.7", "--config", config)
      assert.include(none.stderr, `there is no GeoIP database to look into in ${directory}`)
      assert.include(none.stderr, "City.mmdb is not used: it is not a MaxMind database")
      const nowhere = yield* lookup("203.0.113.7")
      const both = yield* lookup("203.0.113.7", "--config", config, "--directory", directory)
      for (const { stderr } of [nowhere, both]) assert.include(stderr, "either --config or --directory")
      for (const { ok } of [none, nowhere, both]) assert.isFalse(ok)
      for (const { stdout } of [none, nowhere, both]) assert.strictEqual(stdout, "")
    }).pipe(Effect.scoped), 120_000)
})

const march = Date.UTC(2026, 2, 1)
const editions = ["GeoLite2-City", "GeoLite2-ASN"]

/** An operator's folder with an account at this provider. */
const withAccount = Effect.fnUntraced(function*(provider: Provider) {
  const folder = yield* operatorFolder((local) => {
    local.Maxmind = { ...local.Maxmind, AccountID: "1234", LicenseKey: "a-licence-key" }
    local.GeoDNS = { GeoIp: { Url: provider.url } }
  })
  return { config: join(folder, "local.json"), directory: join(folder, "work/maxmind") }
})

describe("geodns geoip update", () => {
  it.live("downloads what is newer, and says what it did", () =>
    Effect.gen(function*() {
      const provider = yield* startProvider
      provider.offers.set(editions[0]!, packed(database("City", 10), march))
      provider.offers.set(editions[1]!, packed(database("ASN", 10), march))
      const { config, directory } = yield* withAccount(provider)
      const first = yield* command(["geoip", "update", "--config", config])
      assert.isTrue(first.ok, first.stderr)
      assert.strictEqual(first.stderr, "")
      assert.deepStrictEqual(lines(first.stdout), [
        `GeoLite2-City: a newer one is in ${directory}/CityLite.mmdb`,
        `GeoLite2-ASN: a newer one is in ${directory}/AsnLite.mmdb`
      ])
      assert.includeMembers(readdirSync(directory), ["AsnLite.mmdb", "CityLite.mmdb"])
      const second = yield* command(["geoip", "update", "--config", config, "--json"])
      assert.isTrue(second.ok, second.stderr)
      assert.deepStrictEqual(JSON.parse(second.stdout), {
        directory,
        editions: [
          { edition: editions[0], file: join(directory, "CityLite.mmdb"), outcome: "unchanged" },
          { edition: editions[1], file: join(directory, "AsnLite.mmdb"), outcome: "unchanged" }
        ]
      })
    }).pipe(Effect.scoped), 120_000)

  it.live("exits with 1 when any could not be had, and shows no key", () =>
    Effect.gen(function*() {
      const provider = yield* startProvider
      provider.offers.set(editions[0]!, packed(database("City", 10), march))
      const { config } = yield* withAccount(provider)
      const { ok, stderr, stdout } = yield* command(["geoip", "update", "--config", config, "--json"])
      assert.isFalse(ok)
      const report = JSON.parse(stdout)
      assert.deepStrictEqual(report.editions.map(({ outcome }: any) => outcome), ["updated", "failed"])
      assert.include(report.editions[1].error, "has no such edition")
      assert.include(stderr, "1 of 2 editions could not be updated")
      provider.otherwise = (_, response) => {
        response.writeHead(401).end()
        return true
      }
      const refused = yield* command(["geoip", "update", "--config", config])
      assert.isFalse(refused.ok)
      assert.include(refused.stdout, "check Maxmind.AccountID and Maxmind.LicenseKey")
      assert.notInclude(stdout + stderr + refused.stdout + refused.stderr, "a-licence-key")
    }).pipe(Effect.scoped), 120_000)

  it.live("does nothing without an account", () =>
    Effect.gen(function*() {
      const { config } = yield* withDatabases("City")
      const { code, stderr, stdout } = yield* run("geoip", "update", "--config", config)
      assert.strictEqual(code, 1)
      assert.include(stderr, "there is no Maxmind.AccountID and no Maxmind.LicenseKey")
      assert.strictEqual(stdout, "")
    }).pipe(Effect.scoped), 120_000)
})
