import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Logger, Metric, type Scope, Stream } from "effect"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Config } from "../../src/config/Config.ts"
import { setDocuments } from "../../src/config/memoryConfig.ts"
import { type Download, GeoIpSource } from "../../src/geo/GeoIpSource.ts"
import { GeoIpUpdater } from "../../src/geo/GeoIpUpdater.ts"
import { Refused, type UpdateReason } from "../../src/geo/UpdateError.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { database, type Offer, packed } from "./provider.ts"

const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-updater-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const march = Date.UTC(2026, 2, 1)
const hour = 3_600_000

const local = (settings: object = {}, account: object = { AccountID: "1234", LicenseKey: "a-licence-key" }) => ({
  System: { ConfigUrls: {} },
  Maxmind: account,
  GeoDNS: { GeoIp: { Editions: ["GeoLite2-City"], Interval: 6 * 3600, ...settings } }
})

/** A provider in memory. It remembers when it was asked for what, and by whom. */
class FakeSource {
  offer: Offer = packed(database("City", 10), march)
  failure: UpdateReason | undefined
  readonly asked: Array<{ readonly what: string; readonly at: number; readonly account: string }> = []

  readonly layer = GeoIpSource.layerMemory({
    lastModified: (download) => this.#answer("HEAD", download, () => this.offer.lastModified),
    checksum: (download) => this.#answer("checksum", download, () => this.offer.checksum),
    archive: (download) =>
      this.#answer("archive", download, () => ({
        size: this.offer.archive.length,
        body: Stream.make(new Uint8Array(this.offer.archive))
      }))
  })

  #answer<A>(what: string, { account, key }: Download, get: () => A): Effect.Effect<A, UpdateReason> {
    return Effect.flatMap(Clock.currentTimeMillis, (at) => {
      this.asked.push({ what, at, account: `${account}:${Redacted.value(key)}` })
      return this.failure === undefined ? Effect.succeed(get()) : Effect.fail(this.failure)
    })
  }

  /** When it was asked whether there is something newer, in hours since the start. */
  get times(): ReadonlyArray<number> {
    return this.asked.filter(({ what }) => what === "HEAD").map(({ at }) => (at - march) / hour)
  }

  count(what: string): number {
    return this.asked.filter((asked) => asked.what === what).length
  }
}

/** A node's updater over a directory. */
const start = (directory: string, source: FakeSource, document: object = local()) =>
  Layer.build(
    GeoIpUpdater.layerWith({ directory }).pipe(
      Layer.provide(source.layer),
      Layer.provideMerge(Layer.mergeAll(
        Config.layerMemory({ local: document }),
        Conditions.layer,
        Layer.sync(Metric.MetricRegistry, () => new Map())
      )),
      Layer.provideMerge(Logger.layer([]))
    )
  )

/** Lets what was begun come to its end: files are real, time is not, and must not pass meanwhile. */
const settle = (directory: string) =>
  Effect.promise(async () => {
    const isBusy = () => existsSync(join(directory, "geoip-update.lock.holder"))
    for (let quiet = 0; quiet < 5; quiet = isBusy() ? 0 : quiet + 1) await new Promise((done) => setTimeout(done, 10))
  })

/** Time passes, in steps that are short enough for everything to follow. */
const pass = Effect.fnUntraced(function*(directory: string, hours: number, step = 0.5) {
  for (let passed = 0; passed < hours; passed += step) {
    yield* TestClock.adjust(Math.min(step, hours - passed) * hour)
    yield* settle(directory)
  }
})

const conditions = Conditions.use(({ current }) =>
  Effect.map(current, (all) => all.map(({ detail, name }) => `${name}: ${detail}`))
)

describe("GeoIpUpdater", () => {
  it.effect("asks at the start and about every interval, and downloads once", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(march)
      const source = new FakeSource()
      const directory = yield* folder
      const services = yield* start(directory, source)
      yield* settle(directory)
      assert.deepStrictEqual(source.times, [0])
      assert.strictEqual(source.count("archive"), 1)
      yield* pass(directory, 30)
      const { times } = source
      assert.isAtLeast(times.length, 5)
      times.slice(1).forEach((at, i) => {
        assert.isAtLeast(at - times[i]!, 6 * 0.9)
        assert.isAtMost(at - times[i]!, 6 * 1.1 + 0.5)
      })
      assert.strictEqual(source.count("archive"), 1)
      assert.deepStrictEqual(yield* Effect.provide(conditions, services), [])
      // A newer one comes with the next question.
      source.offer = packed(database("City", 20), march + hour)
      yield* pass(directory, 7)
      assert.strictEqual(source.count("archive"), 2)
      const metrics = yield* Effect.provide(Metric.snapshot, services)
      const value = (id: string) => metrics.filter((metric) => metric.id === id).map(({ state }) => state)
      assert.lengthOf(value("geodns_geoip_updates_total"), 2)
      assert.deepStrictEqual(value("geodns_geoip_downloads"), [{ value: 1 }])
      assert.lengthOf(value("geodns_geoip_checked_timestamp_seconds"), 1)
      assert.lengthOf(value("geodns_geoip_updated_timestamp_seconds"), 1)
    }).pipe(Effect.scoped), 120_000)

  it.effect(
    "says what fails, tries later and later, over a restart too, and at once with new settings",
    () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(march)
        const directory = yield* folder
        const source = new FakeSource()
        source.failure = new Refused({ status: 401 })
        yield* Effect.scoped(Effect.gen(function*() {
          const services = yield* start(directory, source)
          yield* pass(directory, 4)
          assert.strictEqual(source.times.length, 1)
          const [said] = yield* Effect.provide(conditions, services)
          assert.match(said!, /^geoip:update:GeoLite2-City: .*check Maxmind\.AccountID and Maxmind\.LicenseKey/)
          assert.notInclude(said, "a-licence-key")
        }))
        // A restart is no reason to ask again.
        const services = yield* start(directory, source)
        yield* settle(directory)
        assert.strictEqual(source.times.length, 1)
        source.failure = undefined
        yield* Effect.provide(
          Effect.gen(function*() {
            yield* setDocuments({ local: local({}, { AccountID: "5678", LicenseKey: "another" }) })
            yield* Config.use((config) => config.reload)
            yield* pass(directory, 0.1, 0.1)
            assert.strictEqual(source.asked.at(-1)!.account, "5678:another")
            assert.strictEqual(source.count("archive"), 1)
            assert.deepStrictEqual(yield* conditions, [])
          }),
          services
        )
      }).pipe(Effect.scoped),
    120_000
  )

  it.effect("asks nobody without an account, and says when half of one is there", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(march)
      const source = new FakeSource()
      const directory = yield* folder
      const none = yield* start(directory, source, local({}, {}))
      yield* pass(directory, 10)
      assert.deepStrictEqual(source.asked, [])
      assert.deepStrictEqual(yield* Effect.provide(conditions, none), [])
      const error = yield* Effect.provide(Effect.flip(GeoIpUpdater.use(({ update }) => update)), none)
      assert.include(error.message, "there is no Maxmind.AccountID and no Maxmind.LicenseKey")

      const half = yield* start(yield* folder, source, local({}, { AccountID: "1234" }))
      yield* settle(directory)
      assert.match((yield* Effect.provide(conditions, half))[0]!, /^geoip:update: .*there is no Maxmind\.LicenseKey/)
      assert.deepStrictEqual(source.asked, [])
    }).pipe(Effect.scoped), 120_000)

  it.effect(
    "downloads no more than allowed in a day, however often the provider has something newer",
    () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(march)
        const source = new FakeSource()
        const directory = yield* folder
        const services = yield* start(directory, source, local({ DownloadsPerDay: 2, Interval: 3600 }))
        for (let i = 0; i < 20; i++) {
          source.offer = packed(database("City", i), march + i * hour)
          yield* pass(directory, 1)
        }
        assert.strictEqual(source.count("archive"), 2)
        assert.match((yield* Effect.provide(conditions, services))[0]!, /2 downloads were made within 24 hours/)
        yield* pass(directory, 6)
        assert.isAbove(source.count("archive"), 2)
        assert.deepStrictEqual(yield* Effect.provide(conditions, services), [])
      }).pipe(Effect.scoped),
    120_000
  )

  it.effect("asks when it is told to, whatever the schedule", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(march)
      const source = new FakeSource()
      const directory = yield* folder
      const services = yield* start(directory, source)
      yield* settle(directory)
      const report = yield* Effect.provide(GeoIpUpdater.use(({ update }) => update), services)
      assert.deepStrictEqual(report.editions.map(({ outcome }) => outcome), ["unchanged"])
      assert.strictEqual(source.times.length, 2)
    }).pipe(Effect.scoped))
})
