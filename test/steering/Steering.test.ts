import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Option, Stream } from "effect"
import * as Metric from "effect/Metric"
import { TestClock } from "effect/testing"
import { Config } from "../../src/config/Config.ts"
import { type RawDocuments, setDocuments } from "../../src/config/memoryConfig.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFileError, DurableFiles } from "../../src/node/DurableFiles.ts"
import { Contested } from "../../src/status/Contested.ts"
import type { Official } from "../../src/status/Decision.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { lastGoodFile } from "../../src/steering/keepLastHealthy.ts"
import { Steering, type SteeringView } from "../../src/steering/Steering.ts"
import { client, decide, decideEndpoint, type MemberOptions, membersOf, rpc, servicesOf } from "./world.ts"

const tokyo = [35.6762, 139.6503] as const
const frankfurt = [50.1109, 8.6821] as const
const berlin = client([52.52, 13.405])

const five: Readonly<Record<string, MemberOptions>> = {
  Rhine: { name: "Rhine Networks", at: frankfurt },
  Fuji: { at: tokyo },
  Potomac: { at: [39, -77] },
  Pampa: { at: [-23, -46] },
  Tasman: { at: [-33, 151] }
}

const documents: RawDocuments = { members: membersOf(five), services: servicesOf({ Main: {} }) }

/** Decides, and lets everything that follows from it happen. */
const apply = Effect.fnUntraced(function*(decision: Official) {
  const official = yield* OfficialStatus
  assert.isDefined(yield* official.apply(decision))
  yield* TestClock.adjust("100 millis")
})

const answer = (who = berlin, ipv6 = false) =>
  Steering.use((steering) => Effect.sync(() => steering.choose(rpc, ipv6, who)?.members))

/** The value of a counter or gauge. */
const metric = (name: string) =>
  Effect.map(Metric.snapshot, (metrics) => {
    const found = metrics.find(({ id }) => id === name)
    return found?.type === "Counter"
      ? Number(found.state.count)
      : found?.type === "Gauge"
      ? Number(found.state.value)
      : 0
  })

const explain = Steering.use((steering) => Effect.sync(() => steering.explain(rpc, false, berlin)!))

describe("Steering", () => {
  it.effect("answers from the first moment", () =>
    Effect.gen(function*() {
      const steering = yield* Steering
      assert.deepStrictEqual([...steering.names()], [rpc])
      assert.deepStrictEqual(steering.choose(rpc, false, berlin), {
        addresses: ["192.0.2.0"],
        members: ["Rhine Networks"],
        ttl: 30
      })
      assert.isUndefined(steering.choose("other.example", false, berlin))
      assert.isUndefined(steering.explain("other.example", false, berlin))
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("follows decisions, each family for itself", () =>
    Effect.gen(function*() {
      yield* apply(decide("Rhine Networks", {}, 1))
      assert.deepStrictEqual(yield* answer(), ["Potomac"])
      assert.deepStrictEqual(yield* answer(berlin, true), ["Rhine Networks"])
      yield* apply(decide("Rhine Networks", {}, 2, true))
      assert.deepStrictEqual(yield* answer(), ["Rhine Networks"])
      yield* apply(decideEndpoint("Rhine Networks", "Main", 3))
      assert.deepStrictEqual(yield* answer(), ["Potomac"])
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("knows at the start what was decided before", () =>
    Effect.gen(function*() {
      yield* apply(decide("Rhine Networks", {}, 1))
      const steering = yield* Effect.provide(
        Steering,
        Layer.fresh(Steering.layer).pipe(Layer.provide([DurableFiles.layerMemory, Conditions.layerMemory]))
      )
      assert.deepStrictEqual(steering.choose(rpc, false, berlin)?.members, ["Potomac"])
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("follows the configuration", () =>
    Effect.gen(function*() {
      const config = yield* Config
      const steering = yield* Steering
      const reload = Effect.fnUntraced(function*(changed: RawDocuments) {
        yield* setDocuments(changed)
        assert.deepInclude(yield* config.reload, { changed: true, problems: [] })
        yield* TestClock.adjust("100 millis")
      })
      yield* reload({ members: membersOf({ ...five, Rhine: { ...five["Rhine"]!, override: true } }) })
      assert.deepStrictEqual(yield* answer(), ["Potomac"])
      yield* reload({ members: membersOf(five), local: { GeoDNS: { Steering: { Ttl: 5 } } } })
      assert.deepInclude(steering.choose(rpc, false, berlin), { members: ["Rhine Networks"], ttl: 5 })
      yield* apply(decide("Rhine Networks", {}, 1))
      yield* reload({ services: servicesOf({ Main: {}, Else: { urls: ["wss://else.example"] } }) })
      assert.deepStrictEqual([...steering.names()].sort(), ["else.example", rpc])
      assert.deepStrictEqual(yield* answer(), ["Potomac"])
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("notices within a minute that a target was forgotten", () =>
    Effect.gen(function*() {
      yield* apply(decide("Rhine Networks", {}, 1))
      yield* OfficialStatus.use((official) => official.retain(() => false))
      assert.deepStrictEqual(yield* answer(), ["Potomac"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* answer(), ["Rhine Networks"])
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("takes out one of five at once, and the others a minute apart, the oldest decision first", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      const now = 3_600_000
      yield* apply(decide("Potomac", {}, now - 1_000))
      yield* apply(decide("Rhine Networks", {}, now))
      assert.deepStrictEqual(yield* answer(), ["Rhine Networks"])
      const { because, candidates } = yield* explain
      assert.include(because, "1 held although down")
      assert.strictEqual(candidates[0]!.heldUntil, now + 59_000)
      assert.strictEqual(yield* metric("geodns_steering_held_members"), 1)
      yield* TestClock.adjust("1 minute")
      assert.notInclude((yield* answer())!, "Rhine Networks")
      assert.isUndefined((yield* explain).candidates.find(({ heldUntil }) => heldUntil !== undefined))
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("shows as conditions who is held, and names whose members are all down, and not for every change", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      const now = 3_600_000
      const conditions = yield* Conditions
      yield* Effect.provide(
        Effect.gen(function*() {
          yield* TestClock.adjust("1 second")
          const raised = (name: string) =>
            Effect.map(conditions.current, (all) => all.find((one) => one.name === `steering:${name}`))
          yield* apply(decide("Potomac", {}, now - 1_000))
          assert.isUndefined(yield* raised("held"))
          yield* apply(decide("Rhine Networks", {}, now))
          const held = yield* raised("held")
          assert.include(held?.detail, `Rhine Networks until 01:00:59 UTC at ${rpc}.`)
          // It comes and goes: one condition all the same.
          yield* apply(decide("Rhine Networks", {}, now + 1, true))
          yield* apply(decide("Rhine Networks", {}, now + 2))
          assert.strictEqual((yield* raised("held"))?.since, held?.since)
          yield* TestClock.adjust("1 minute")
          assert.isDefined(yield* raised("held"))
          yield* TestClock.adjust("11 seconds")
          assert.isUndefined(yield* raised("held"))
          for (const name of ["Fuji", "Pampa", "Tasman"]) yield* apply(decide(name, {}, now + 70_000))
          assert.isUndefined(yield* raised("all-down"))
          yield* TestClock.adjust("5 minutes")
          assert.include((yield* raised("all-down"))?.detail, `${rpc} (IPv4): those answer that were healthy last: `)
          yield* apply(decide("Fuji", {}, now + 300_000, true))
          yield* TestClock.adjust("11 seconds")
          assert.isUndefined(yield* raised("all-down"))
        }),
        Layer.fresh(Steering.layer).pipe(
          Layer.provide([DurableFiles.layerMemory, Layer.succeed(Conditions, conditions)])
        )
      )
    }).pipe(Effect.provide([Steering.layerMemory(documents), Conditions.layerMemory, Logger.layer([])])))

  it.effect("rebuilds in slices: others have their turn in between, and see the old tables or the new ones", () =>
    Effect.gen(function*() {
      const keys = Array.from({ length: 40 }, (_, i) => `S${i}`)
      const hosts = keys.map((key) => `${key.toLowerCase()}.example`)
      const large = (version: number): RawDocuments => ({
        services: servicesOf(Object.fromEntries(keys.map((key, i) => [key, { urls: [`wss://${hosts[i]}`] }]))),
        members: membersOf(Object.fromEntries(
          Array.from(
            { length: 500 },
            (_, i) => [`M${i}`, { services: keys, ipv4: `10.${version}.${i >> 8}.${i & 255}` }]
          )
        ))
      })
      const steering = yield* Steering
      yield* setDocuments(large(1))
      yield* Config.use((config) => config.reload)
      yield* TestClock.adjust("100 millis")
      const versions = () =>
        new Set(hosts.map((host) => steering.choose(host, false, berlin)?.addresses[0]!.split(".")[1] ?? "none"))
      assert.deepStrictEqual([...versions()], ["1"])
      yield* setDocuments(large(2))
      yield* Config.use((config) => config.reload)
      let turns = 0
      while (!versions().has("2") && turns < 10_000) {
        assert.strictEqual(versions().size, 1)
        turns++
        yield* Effect.yieldNow
      }
      assert.deepStrictEqual([...versions()], ["2"])
      // 40 names of 500 members each, 1,000 members at a time.
      assert.isAtLeast(turns, 15)
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("answers for less time while a member of the name is voted on, with the same members", () =>
    Effect.gen(function*() {
      const contested = yield* Contested
      const steering = yield* Steering
      const other = "other.demo.example"
      const said = () => [rpc, other].map((name) => steering.choose(name, false, berlin)!)
      const settle = TestClock.adjust("100 millis")
      const [before] = said()
      const { target } = decideEndpoint("Rhine Networks", "Main", 1)
      yield* contested.set([target])
      yield* settle
      assert.deepStrictEqual(said().map(({ ttl }) => ttl), [5, 30])
      assert.deepStrictEqual(said()[0], { ...before!, ttl: 5 })
      yield* contested.set([])
      yield* settle
      assert.deepStrictEqual(said().map(({ ttl }) => ttl), [30, 30])
      // A whole rebuild takes it into account, too.
      yield* contested.set([target])
      yield* settle
      yield* setDocuments({ local: { GeoDNS: { Steering: { Ttl: 40, TtlFloor: 7 } } } })
      yield* Config.use((config) => config.reload)
      yield* settle
      assert.deepStrictEqual(said().map(({ ttl }) => ttl), [7, 40])
    }).pipe(
      Effect.provide(Steering.layerMemory({
        members: membersOf({ Rhine: { ...five["Rhine"], services: ["Main", "Other"] } }),
        services: servicesOf({ Main: {}, Other: { urls: ["wss://other.demo.example/"] } })
      }))
    ))

  it.effect("takes a burst of decisions together", () =>
    Effect.gen(function*() {
      const before = yield* metric("geodns_steering_rebuilds_total")
      const official = yield* OfficialStatus
      for (let i = 1; i <= 500; i++) yield* official.apply(decide("Rhine Networks", {}, i, i % 2 === 0))
      yield* TestClock.adjust("1 second")
      const rebuilds = (yield* metric("geodns_steering_rebuilds_total")) - before
      assert.isAtLeast(rebuilds, 1)
      assert.isAtMost(rebuilds, 3)
      assert.deepStrictEqual(yield* answer(), ["Rhine Networks"])
    }).pipe(Effect.provide(Steering.layerMemory(documents))))
})

describe("steering goes on", () => {
  /** Steering that cannot find out what is being voted on, halfway through a rebuild, for as long as the test says. */
  const breaking = (isBroken: () => boolean) =>
    Steering.layer.pipe(
      Layer.provideMerge(Layer.mergeAll(
        Overrides.layerMemory,
        OfficialStatus.layerMemory,
        Layer.effect(
          Contested,
          Effect.map(Contested, (real) =>
            Contested.of({
              ...real,
              current: Effect.suspend(() => isBroken() ? Effect.die("broken") : real.current)
            }))
        ).pipe(Layer.provide(Contested.layerMemory))
      )),
      Layer.provideMerge(Config.layerMemory(documents)),
      Layer.provide([DurableFiles.layerMemory, Conditions.layerMemory, Logger.layer([])])
    )

  it.effect("when a rebuild fails: the tables before stay, and the next change makes up for it", () => {
    let broken = false
    return Effect.gen(function*() {
      broken = true
      yield* apply(decide("Rhine Networks", {}, 1))
      assert.deepStrictEqual(yield* answer(), ["Rhine Networks"])
      broken = false
      // Of another member: what was told while it was broken is not lost.
      yield* apply(decide("Fuji", {}, 1, true))
      assert.deepStrictEqual(yield* answer(), ["Potomac"])
    }).pipe(Effect.provide(breaking(() => broken)))
  })

  it.effect("when the very first build fails: within a minute it is made up for", () => {
    let broken = true
    return Effect.gen(function*() {
      assert.isUndefined(yield* answer())
      broken = false
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* answer(), ["Rhine Networks"])
    }).pipe(Effect.provide(breaking(() => broken)))
  })

  it.effect("without what it has taken already: a target that was forgotten stays forgotten", () =>
    Effect.gen(function*() {
      yield* apply(decide("Rhine Networks", {}, 1))
      yield* OfficialStatus.use((official) => official.retain(() => false))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* answer(), ["Rhine Networks"])
      yield* apply(decide("Tasman", {}, 60_000))
      assert.deepStrictEqual(yield* answer(), ["Rhine Networks"])
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("with members that a fast clock took out, held no longer than for a minute", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      const ahead = 3_600_000 + 40_000
      yield* apply(decide("Potomac", {}, ahead))
      yield* apply(decide("Rhine Networks", {}, ahead + 1))
      assert.deepStrictEqual(yield* answer(), ["Rhine Networks"])
      // Whatever makes the tables anew in between.
      yield* TestClock.adjust("30 seconds")
      yield* apply(decide("Tasman", {}, 3_600_000 + 30_000, true))
      yield* Config.use((config) =>
        Effect.andThen(setDocuments({ local: { GeoDNS: { Steering: { Ttl: 20 } } } }), config.reload)
      )
      yield* TestClock.adjust("30 seconds")
      assert.notInclude((yield* answer())!, "Rhine Networks")
    }).pipe(Effect.provide(Steering.layerMemory(documents))))
})

describe("a view", () => {
  it.effect("is of one configuration, and of its moment: what comes later is another", () =>
    Effect.gen(function*() {
      const steering = yield* Steering
      const config = yield* Config
      const seen: Array<SteeringView> = []
      yield* Stream.runForEach(steering.views, (view) => Effect.sync(() => seen.push(view))).pipe(
        Effect.forkScoped({ startImmediately: true })
      )
      yield* TestClock.adjust("100 millis")
      yield* apply(decide("Rhine Networks", {}, 1))
      yield* setDocuments({ services: servicesOf({ Main: {}, Else: { urls: ["wss://else.example"] } }) })
      yield* config.reload
      yield* TestClock.adjust("100 millis")
      const first = (view: SteeringView) => view.choose(rpc, false, berlin)?.members[0]
      const views = [...new Set(seen)]
      assert.deepStrictEqual(
        views.map((view) => [view.snapshot.version, view.names.size, first(view)]),
        [[1, 1, "Rhine Networks"], [1, 1, "Potomac"], [2, 2, "Potomac"]]
      )
      assert.deepStrictEqual(views.map((view) => view.snapshot.catalog.hosts.size), [1, 1, 2])
      assert.strictEqual(steering.choose(rpc, false, berlin)?.members[0], "Potomac")
    }).pipe(Effect.scoped, Effect.provide(Steering.layerMemory(documents))))
})

describe("members that are out by hand", () => {
  const take = (kind: "override" | "maintenance", member: string, until?: number) =>
    Overrides.use((overrides) => overrides.add({ kind, member, reason: "moves house", author: "ann", until }))
  const settle = TestClock.adjust("100 millis")

  it.effect("answer no more in either family, and the explanation says by whom, why and how long", () =>
    Effect.gen(function*() {
      yield* take("maintenance", "Rhine", 3_600_000)
      yield* settle
      assert.deepStrictEqual(yield* answer(), ["Potomac"])
      assert.deepStrictEqual(yield* answer(berlin, true), ["Potomac"])
      const { candidates } = yield* explain
      assert.deepStrictEqual(candidates.find(({ member }) => member === "Rhine Networks")?.exclusions, [{
        _tag: "Overridden",
        override: { kind: "maintenance", reason: "moves house", author: "ann", until: 3_600_000 }
      }])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* answer(), ["Rhine Networks"])
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("go at once, however many there are", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      for (const member of ["Rhine", "Fuji", "Potomac", "Pampa"]) yield* take("override", member)
      yield* settle
      assert.deepStrictEqual(yield* answer(), ["Tasman"])
      const { candidates } = yield* explain
      assert.isUndefined(candidates.find(({ heldUntil }) => heldUntil !== undefined))
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("are not among those that were healthy last when all others are down", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      yield* take("override", "Rhine")
      yield* settle
      for (const member of ["Fuji", "Potomac", "Pampa", "Tasman"]) yield* apply(decide(member, {}, 3_600_000))
      yield* TestClock.adjust("10 minutes")
      const { choice, rule } = yield* explain
      assert.strictEqual(rule, "last-good")
      assert.notDeepEqual(choice.members, [])
      assert.notInclude(choice.members, "Rhine Networks")
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("answer when they are all, by health and distance, and the explanation says so", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      yield* apply(decide("Rhine Networks", {}, 3_600_000))
      for (const member of Object.keys(five)) yield* take("override", member)
      yield* settle
      assert.deepStrictEqual(yield* answer(), ["Potomac"])
      assert.deepStrictEqual(yield* answer(berlin, true), ["Rhine Networks"], "it is down for IPv4 alone")
      const { because, candidates, rule } = yield* explain
      assert.strictEqual(rule, "last-good")
      assert.strictEqual(
        because,
        "all 5 members that could answer are out by hand: those that were healthy last answer, although they are out by hand"
      )
      assert.deepStrictEqual(
        candidates.find(({ member }) => member === "Potomac")?.exclusions.map(({ _tag }) => _tag),
        [
          "Overridden"
        ]
      )
      assert.deepStrictEqual(
        candidates.find(({ member }) => member === "Rhine Networks")?.exclusions.map(({ _tag }) => _tag),
        ["Overridden"]
      )
      assert.lengthOf(candidates, 5)
      yield* Overrides.use((overrides) =>
        overrides.end({ kind: "override", member: "Tasman", reason: "", author: "ann" })
      )
      yield* settle
      assert.deepStrictEqual(yield* answer(), ["Tasman"], "the others are out again")
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("one after the other leave the last one in", () =>
    Effect.gen(function*() {
      for (const member of ["Fuji", "Rhine", "Pampa", "Tasman", "Potomac"]) {
        yield* take("override", member)
        yield* settle
      }
      assert.deepStrictEqual(yield* answer(), ["Potomac"])
      // It goes down: whoever is healthy answers, before one that is down.
      yield* apply(decide("Potomac", {}, 1))
      yield* settle
      assert.deepStrictEqual(yield* answer(), ["Rhine Networks"])
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("answer before one that has long been down does", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      yield* apply(decide("Tasman", {}, 3_600_000))
      for (const member of ["Rhine", "Fuji", "Potomac", "Pampa"]) yield* take("override", member)
      yield* settle
      assert.deepStrictEqual(yield* answer(), ["Rhine Networks"])
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("leave it to the policy what answers when they are all", () =>
    Effect.gen(function*() {
      for (const member of Object.keys(five)) yield* take("override", member)
      const setPolicy = Effect.fnUntraced(function*(Steering: object) {
        yield* setDocuments({ ...documents, local: { GeoDNS: { Steering } } })
        yield* Config.use((config) => config.reload)
        yield* settle
        const { choice, rule } = yield* explain
        return [rule, choice.addresses]
      })
      assert.deepStrictEqual(yield* setPolicy({ AllDown: "all" }), ["all", ["192.0.2.0"]])
      assert.deepStrictEqual(yield* setPolicy({ AllDown: "empty" }), ["empty", []])
      assert.deepStrictEqual(yield* setPolicy({ AllDown: "fallback", Fallback: "198.51.100.9" }), [
        "fallback",
        ["198.51.100.9"]
      ])
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("stay out when the documents change, and are found by a new name when the key is the old one", () =>
    Effect.gen(function*() {
      yield* take("override", "Fuji")
      yield* setDocuments({
        members: membersOf({
          ...five,
          Rhine: { ...five["Rhine"]!, name: "Rhine" },
          Fuji: { at: frankfurt, name: "Edo" }
        })
      })
      yield* Config.use((config) => config.reload)
      yield* settle
      const steering = yield* Steering
      const { candidates } = steering.explain(rpc, false, berlin)!
      assert.deepStrictEqual(
        candidates.filter(({ exclusions }) => exclusions.length > 0).map(({ member }) => member),
        ["Edo"]
      )
    }).pipe(Effect.provide(Steering.layerMemory(documents))))
})

describe("the members that were healthy last", () => {
  const two: RawDocuments = { ...documents, members: membersOf({ Rhine: { at: frankfurt }, Fuji: { at: tokyo } }) }
  const base = Layer.mergeAll(
    Config.layerMemory(two),
    OfficialStatus.layerMemory,
    Overrides.layerNone,
    Contested.layer,
    Conditions.layerMemory
  )
  const start = Effect.fnUntraced(function*() {
    return yield* Effect.map(Layer.build(Layer.fresh(Steering.layer)), (context) => Effect.provide(explain, context))
  })
  const conditions = Conditions.use(({ current }) => Effect.map(current, (all) => all.map(({ name }) => name)))

  it.effect("survive a restart", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        const explained = yield* start()
        assert.strictEqual((yield* explained).rule, "nearest")
        yield* apply(decide("Rhine", {}, 1))
      }).pipe(Effect.scoped)
      yield* TestClock.adjust("2 minutes")
      yield* apply(decide("Fuji", {}, 120_000))
      yield* TestClock.adjust("10 minutes")
      const { choice, rule } = yield* yield* start()
      assert.deepStrictEqual([rule, choice.members], ["last-good", ["Fuji"]])
      assert.notInclude(yield* conditions, "steering:last-good")
    }).pipe(Effect.provide(Layer.merge(base, DurableFiles.layerMemory))))

  it.effect("are those from before a burst in which all went, when the cap has let the last one go", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      // One that has long been down is not among them.
      yield* apply(decide("Tasman", {}, 3_600_000))
      yield* TestClock.adjust("1 second")
      yield* TestClock.adjust("1 hour")
      for (const [i, member] of ["Rhine", "Potomac", "Pampa", "Fuji"].entries()) {
        yield* apply(decide(member, {}, 7_200_000 + 800 * i))
        yield* TestClock.adjust(800)
      }
      yield* TestClock.adjust("10 minutes")
      const { choice, rule } = yield* explain
      // The nearest to Berlin, not the last survivor on the other side of the globe.
      assert.deepStrictEqual([rule, choice.members], ["last-good", ["Rhine Networks"]])
      const steering = yield* Steering
      const all = new Set(
        Array.from(
          { length: 400 },
          (_, i) => steering.choose(rpc, false, { location: undefined, scope: `198.51.${i}.0/24` })!.members[0]
        )
      )
      assert.sameMembers([...all], ["Rhine Networks", "Potomac", "Pampa", "Fuji"])
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("are only the last one, when the others went a minute and more before it", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      for (const [i, member] of ["Rhine", "Potomac", "Pampa", "Tasman", "Fuji"].entries()) {
        yield* apply(decide(member, {}, 3_600_000 + 120_000 * i))
        yield* TestClock.adjust("1 second")
        yield* TestClock.adjust("2 minutes")
      }
      yield* TestClock.adjust("10 minutes")
      const { choice, rule } = yield* explain
      assert.deepStrictEqual([rule, choice.members], ["last-good", ["Fuji"]])
    }).pipe(Effect.provide(Steering.layerMemory(documents))))

  it.effect("are forgotten with a word when their file is broken", () =>
    Effect.gen(function*() {
      const files = yield* DurableFiles
      yield* files.write(lastGoodFile, "{ half")
      const explained = yield* start()
      assert.strictEqual((yield* explained).rule, "nearest")
      assert.deepStrictEqual(yield* conditions, ["steering:last-good"])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* conditions, [])
      const kept = yield* files.read(lastGoodFile)
      assert.isTrue(Option.isSome(kept) && kept.value.includes("Fuji"))
    }).pipe(Effect.provide(Layer.merge(base, DurableFiles.layerMemory))))

  it.effect("are a condition while they cannot be kept, and steering goes on", () => {
    let full = true
    const files = Layer.succeed(DurableFiles, {
      read: () => Effect.succeedNone,
      write: (file) =>
        full
          ? Effect.fail(new DurableFileError({ operation: "write", file, message: "disk full", cause: undefined }))
          : Effect.void
    })
    return Effect.gen(function*() {
      const explained = yield* start()
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* conditions, ["steering:last-good"])
      yield* apply(decide("Rhine", {}, 1))
      assert.deepStrictEqual((yield* explained).choice.members, ["Fuji"])
      full = false
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* conditions, [])
    }).pipe(Effect.provide(Layer.merge(base, files)))
  })
})
