import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Schedule, type Scope } from "effect"
import * as Result from "effect/Result"
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { askerOf } from "../../src/dns/ClientSubnet.ts"
import { GeoIp } from "../../src/geo/GeoIp.ts"
import { fields, writeMmdb } from "../../src/geo/MmdbWriter.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { database } from "./provider.ts"

const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-watch-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A service over a directory that looks often, and how it and its conditions are seen. */
const watch = Effect.fnUntraced(function*(directory: string) {
  const services = yield* Layer.build(
    GeoIp.layerWith({ directory, watchEvery: "20 millis" }).pipe(
      Layer.provideMerge(Conditions.layer),
      Layer.provideMerge(Logger.layer([]))
    )
  )
  const geo = yield* Effect.provide(GeoIp, services)
  const conditions = Effect.provide(
    Effect.flatMap(
      Conditions,
      ({ current }) => Effect.map(current, (all) => new Map(all.map(({ detail, name }) => [name, detail])))
    ),
    services
  )
  return { geo, conditions }
})

const where = (geo: GeoIp["Service"]) => geo.locate("203.0.113.7").location?.longitude

/** Looks until it is so. */
const until = <A>(what: string, get: Effect.Effect<A>, isSo: (value: A) => boolean): Effect.Effect<A> =>
  get.pipe(
    Effect.repeat({ schedule: Schedule.spaced("10 millis"), until: isSo }),
    Effect.timeoutOrElse({ duration: "20 seconds", orElse: () => Effect.die(new Error(`waited in vain: ${what}`)) })
  )

const replace = (path: string, content: Uint8Array | string) => {
  writeFileSync(`${path}.part`, content)
  renameSync(`${path}.part`, path)
}

describe("GeoIp", () => {
  it.live("follows files that are replaced, with every lookup before, meanwhile and after, and scopes with them", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const path = join(directory, "CityLite.mmdb")
      replace(path, database("City", 10))
      const { geo } = yield* watch(directory)
      // As the DNS server keeps it.
      const { locate } = geo
      const scope = () => askerOf(undefined, "203.0.113.7", locate).client.scope
      assert.strictEqual(locate("203.0.113.7").location?.longitude, 10)
      assert.strictEqual(scope(), "203.0.113.0/24")
      const seen = new Set<number | undefined>()
      for (const longitude of [20, 30]) {
        replace(path, database("City", longitude, 1_700_000_000_000 + longitude * 1_000))
        yield* until(
          "the new file serves",
          Effect.sync(() => {
            seen.add(locate("203.0.113.7").location?.longitude)
            return geo.databases[0]?.builtAt
          }),
          (builtAt) => builtAt === 1_700_000_000_000 + longitude * 1_000
        )
        assert.strictEqual(where(geo), longitude)
      }
      assert.deepStrictEqual([...seen].sort(), [10, 20, 30].filter((longitude) => seen.has(longitude)))
      // Other networks, other scopes.
      replace(
        path,
        Result.getOrThrow(writeMmdb({
          databaseType: "GeoLite2-City",
          description: "",
          builtAt: 1_800_000_000_000,
          entries: [{ network: "203.0.0.0/16", record: fields({ location: fields({ latitude: 1, longitude: 40 }) }) }]
        }))
      )
      yield* until("the new file serves", Effect.sync(() => where(geo)), (longitude) => longitude === 40)
      assert.strictEqual(scope(), "203.0.0.0/16")
    }).pipe(Effect.scoped))

  it.live("keeps what was there when a file breaks or goes, says so, and takes the next good one", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const path = join(directory, "CityLite.mmdb")
      replace(path, database("City", 10))
      const { conditions, geo } = yield* watch(directory)
      replace(path, "<html>quota exceeded</html>")
      const broken = yield* until("it is told", conditions, (all) => all.has("geoip:CityLite.mmdb"))
      assert.match(
        broken.get("geoip:CityLite.mmdb")!,
        /CityLite\.mmdb is not used, what was there before still is: it is not a/
      )
      assert.strictEqual(where(geo), 10)
      assert.deepStrictEqual(geo.databases.map(({ file }) => file), [path])

      rmSync(path)
      yield* until("it is told", conditions, (all) => all.get("geoip:CityLite.mmdb")?.includes("is gone") === true)
      assert.strictEqual(where(geo), 10)

      replace(path, database("City", 20))
      yield* until("the condition is over", conditions, (all) => !all.has("geoip:CityLite.mmdb"))
      assert.strictEqual(where(geo), 20)
    }).pipe(Effect.scoped))

  it.live("finds files that come later, in a folder that comes later", () =>
    Effect.gen(function*() {
      const directory = join(yield* folder, "later")
      const { conditions, geo } = yield* watch(directory)
      assert.include((yield* conditions).get("geoip"), "no city database")
      assert.strictEqual(where(geo), undefined)
      mkdirSync(directory)
      for (const kind of ["City", "ASN"] as const) replace(join(directory, `Any-${kind}.mmdb`), database(kind, 10))
      yield* until("nothing is missing", conditions, (all) => all.size === 0)
      assert.deepInclude(geo.locate("203.0.113.7"), { asn: "AS64496", country: "JP" })
      assert.lengthOf(geo.databases, 2)
    }).pipe(Effect.scoped))

  it.live("opens a large file in a thread: nothing waits meanwhile", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const path = join(directory, "CityLite.mmdb")
      replace(path, database("City", 10))
      const { geo } = yield* watch(directory)
      const record = (i: number) =>
        fields({
          location: fields({ latitude: 1, longitude: i % 180 }),
          city: fields({ names: fields({ en: `City ${i}` }) })
        })
      const large = Result.getOrThrow(writeMmdb({
        databaseType: "GeoLite2-City",
        description: "",
        builtAt: 1_800_000_000_000,
        entries: Array.from({ length: 30_000 }, (_, i) => ({
          network: `${20 + (i >> 14)}.${i >> 6 & 255}.${(i & 63) << 2}.0/24`,
          record: record(i)
        }))
      }))
      assert.isAbove(large.length, 1_000_000)
      replace(path, large)
      const delay = monitorEventLoopDelay({ resolution: 5 })
      delay.enable()
      yield* until(
        "the large file serves",
        Effect.sync(() => geo.databases[0]?.builtAt),
        (at) => at === 1_800_000_000_000
      )
      delay.disable()
      assert.strictEqual(geo.locate("20.0.4.1").location?.longitude, 1)
      // Reading it here would take longer even where nothing else runs; a busy machine gets some time.
      assert.isBelow(delay.max / 1e6, 400)
    }).pipe(Effect.scoped))
})
