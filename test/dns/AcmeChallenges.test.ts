import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Schedule } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { Config } from "../../src/config/Config.ts"
import { BadStatus, TimedOut } from "../../src/config/DocumentError.ts"
import { Documents } from "../../src/config/Documents.ts"
import { MemoryDocuments } from "../../src/config/MemoryDocuments.ts"
import { AcmeChallenges } from "../../src/dns/AcmeChallenges.ts"
import { noPolicy } from "../../src/dns/AnswerPolicy.ts"
import { AnswerState } from "../../src/dns/AnswerState.ts"
import { RecordType } from "../../src/dns/protocol.ts"
import { recordText } from "../../src/dns/recordText.ts"
import { makeZoneData } from "../../src/dns/ZoneBuilder.ts"
import type { ZoneData } from "../../src/dns/ZoneData.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { serveHttp } from "../alerts/httpServer.ts"
import { records } from "./samples.ts"

const url = "http://acme.example/secret-token"
const other = "https://other.example/x"

const zonesWith = (...addresses: ReadonlyArray<string>) =>
  makeZoneData({
    records: records(
      addresses.map((address, i) => `_acme-challenge.h${i}.demo.example TXT 0 ${address}`).join("\n") +
        "\ndemo.example NS 1 ns.demo.example"
    ),
    zones: {},
    served: [],
    serial: 1
  })

/** Documents of which one never comes. */
const documentsWithout = (hanging: string) =>
  Layer.effect(
    Documents,
    Effect.map(Documents, ({ read, watch }) =>
      Documents.of({
        read: (at, options) => at === hanging ? Effect.never : read(at, options),
        watch
      }))
  )

/** Of what answers are made from, challenges look at the zones alone. */
const snapshotOf = (zones: ZoneData) => ({ zones, policy: noPolicy, steering: undefined as never })

/** A configuration that lets these networks be reached. */
const allowing = (...Allow: ReadonlyArray<string>) =>
  Layer.effect(Config, Config).pipe(
    Layer.provide(Config.layerMemory({ local: { System: { ConfigUrls: {} }, GeoDNS: { Outbound: { Allow } } } }))
  )

/** Challenges of zones that can be changed, from documents in memory; the one at `hanging` never comes. */
const world = (first = zonesWith(url), hanging = "") => {
  let zones = first
  const layer = AcmeChallenges.layerDocuments.pipe(
    Layer.provideMerge([
      documentsWithout(hanging).pipe(Layer.provideMerge(Documents.layerMemory({ [url]: "first\n" }))),
      Conditions.layerMemory,
      Layer.succeed(AnswerState, AnswerState.of({ current: () => snapshotOf(zones) }))
    ]),
    Layer.provide(allowing()),
    Layer.provide(Logger.layer([]))
  )
  const setZones = (next: typeof first) => Effect.sync(() => void (zones = next))
  return { layer, setZones }
}

const texts = (address: string) =>
  AcmeChallenges.use((challenges) =>
    Effect.succeed(challenges.data(address)?.map((data) => recordText(RecordType.TXT, data)))
  )
const problems = Conditions.use((conditions) =>
  Effect.map(conditions.current, (all) => all.map(({ detail, name }) => `${name}: ${detail}`))
)
const later = TestClock.adjust("12 seconds")

describe("AcmeChallenges", () => {
  it.effect("are read at once, and again every ten seconds", () => {
    const { layer } = world()
    return Effect.gen(function*() {
      const memory = yield* MemoryDocuments
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* texts(url), ['"first"'])
      assert.isUndefined(yield* texts(other))
      yield* memory.set(url, "second\nthird")
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* texts(url), ['"first"'])
      yield* TestClock.adjust("7 seconds")
      assert.deepStrictEqual(yield* texts(url), ['"second"', '"third"'])
    }).pipe(Effect.provide(layer))
  })

  it.effect("that cannot be read stay as they were, and are reported by name; before the first time there is none", () => {
    const { layer } = world(zonesWith(url, other))
    return Effect.gen(function*() {
      const memory = yield* MemoryDocuments
      yield* memory.fail(other, new TimedOut({ seconds: 15 }))
      yield* memory.set(url, "first")
      yield* later
      assert.isUndefined(yield* texts(other))
      assert.notInclude((yield* problems).join(), "secret-token")
      assert.match(
        (yield* problems).join(),
        /^dns:acme: ACME challenges cannot be read: _acme-challenge\.h1\.demo\.example \(SERVFAIL\): /
      )
      yield* memory.fail(url, new BadStatus({ status: 500 }))
      yield* later
      assert.deepStrictEqual(yield* texts(url), ['"first"'])
      assert.match(
        (yield* problems).join(),
        /h0\.demo\.example: acme\.example gives the status 500; .*h1\.demo\.example \(SERVFAIL\): /
      )
      yield* memory.set(url, "<html>an error page</html>")
      yield* later
      assert.deepStrictEqual(yield* texts(url), ['"first"'])
      assert.match((yield* problems).join(), /h0\.demo\.example: what is there is no challenge/)
      yield* memory.set(url, "x".repeat(5_000))
      yield* later
      assert.deepStrictEqual(yield* texts(url), ['"first"'])
      yield* memory.set(url, "new")
      yield* memory.set(other, "")
      yield* later
      assert.deepStrictEqual([yield* texts(url), yield* texts(other)], [['"new"'], []])
      assert.deepStrictEqual(yield* problems, [])
    }).pipe(Effect.provide(layer))
  })

  it.effect("of which nothing is there are none: that is no fault", () => {
    const { layer } = world()
    return Effect.gen(function*() {
      const memory = yield* MemoryDocuments
      for (const gone of [memory.remove(url), memory.fail(url, new BadStatus({ status: 204 }))]) {
        yield* memory.set(url, "first")
        yield* later
        assert.lengthOf((yield* texts(url))!, 1)
        yield* gone
        yield* later
        assert.deepStrictEqual(yield* texts(url), [])
        assert.deepStrictEqual(yield* problems, [])
      }
    }).pipe(Effect.provide(layer))
  })

  it.effect("are held up by none that hangs", () => {
    const { layer } = world(zonesWith(other, url), other)
    return Effect.gen(function*() {
      const memory = yield* MemoryDocuments
      yield* later
      yield* memory.set(url, "second")
      yield* later
      assert.deepStrictEqual([yield* texts(url), yield* texts(other)], [['"second"'], undefined])
    }).pipe(Effect.provide(layer))
  })

  it.effect("follow the zones, and are forgotten with them", () => {
    const { layer, setZones } = world()
    return Effect.gen(function*() {
      const memory = yield* MemoryDocuments
      yield* memory.set(other, "other")
      yield* TestClock.adjust(0)
      yield* setZones(zonesWith(other))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* texts(url), yield* texts(other)], [undefined, ['"other"']])
    }).pipe(Effect.provide(layer))
  })

  /** Challenges of zones with these addresses, from the network. */
  const fromNetwork = (zones: ZoneData, ...allow: ReadonlyArray<string>) =>
    AcmeChallenges.layer.pipe(
      Layer.provideMerge([
        Conditions.layerMemory,
        allowing(...allow),
        Layer.succeed(AnswerState, AnswerState.of({ current: () => snapshotOf(zones) }))
      ]),
      Layer.provide(Logger.layer([]))
    )
  const soon = { schedule: Schedule.spaced("20 millis") }

  it.live("come from the host of their address alone, wherever it redirects to", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const { port } = yield* serveHttp(({ headers: { host = "" }, path }) => {
        asked.push(`${host.split(":")[0]}${path}`)
        return path === "/x"
          ? { status: 302, headers: { location: `http://${host.replace("127.0.0.1", "localhost")}/there` } }
          : { status: 200, body: "forged" }
      })
      const at = `http://127.0.0.1:${port}/x`
      yield* Effect.gen(function*() {
        const said = yield* problems.pipe(
          Effect.repeat({ until: (all) => all.length > 0, ...soon }),
          Effect.timeout("10 seconds")
        )
        assert.include(said.join(), `127.0.0.1:${port} gives the status 302`)
        assert.isUndefined(yield* texts(at))
        assert.deepStrictEqual(asked, ["127.0.0.1/x"])
      }).pipe(Effect.provide(fromNetwork(zonesWith(at), "127.0.0.0/8")))
    }).pipe(Effect.scoped))

  it.live("are asked for at no address that the operator did not allow", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const { port } = yield* serveHttp(({ path }) => {
        asked.push(path)
        return { status: 200, body: "value" }
      })
      // Whoever writes the shared document allows nothing by it: neither an address, nor a name that leads to one.
      const hosts = ["127.0.0.1", "localhost", "[::ffff:7f00:1]"]
      const zones = zonesWith(...hosts.map((host) => `http://${host}:${port}/secret-token`))
      yield* Effect.gen(function*() {
        const [said = ""] = yield* problems.pipe(
          Effect.repeat({ until: (all) => all.join().split("GeoDNS.Outbound.Allow").length > hosts.length, ...soon }),
          Effect.timeout("10 seconds")
        )
        assert.match(
          said,
          /_acme-challenge\.h0\.demo\.example \(SERVFAIL\): 127\.0\.0\.1 is no address of the internet/
        )
        assert.match(said, /_acme-challenge\.h1\.demo\.example \(SERVFAIL\): localhost is .*, which is no address/)
        assert.notInclude(said, "secret-token")
      }).pipe(Effect.provide(fromNetwork(zones, "10.0.0.0/8")))
      assert.deepStrictEqual(asked, [])
      const at = `http://127.0.0.1:${port}/secret-token`
      const data = yield* texts(at).pipe(
        Effect.repeat({ until: (all) => all !== undefined, ...soon }),
        Effect.timeout("10 seconds"),
        Effect.provide(fromNetwork(zonesWith(at), "127.0.0.0/8"))
      )
      assert.deepStrictEqual(data, ['"value"'])
    }).pipe(Effect.scoped))

  it.effect("in memory are those that were given", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual([yield* texts(url), yield* texts(other)], [['"given"'], undefined])
    }).pipe(Effect.provide(AcmeChallenges.layerMemory({ [url]: "given" }))))
})
