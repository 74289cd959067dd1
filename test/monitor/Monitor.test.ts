import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Config } from "../../src/config/Config.ts"
import { type RawDocuments, setDocuments } from "../../src/config/memoryConfig.ts"
import { targetKey } from "../../src/domain/Target.ts"
import { Families, type FamilyReach } from "../../src/monitor/Families.ts"
import { type LocalResult, Monitor } from "../../src/monitor/Monitor.ts"
import { Prober } from "../../src/monitor/Prober.ts"
import { Probes } from "../../src/monitor/Probes.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import type { Observation } from "../../src/status/Observation.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { type RawCheck, rawCheck, rawMember, rawService } from "./documents.ts"
import { FakeCluster } from "./fakeConsensus.ts"

const http = (over: Partial<RawCheck> = {}): RawCheck => rawCheck({ Name: "http", CheckType: "endpoint", ...over })

const member = (name: string, n: number, over: Partial<Parameters<typeof rawMember>[0]> = {}) =>
  rawMember({ name, services: ["s"], ipv4: `127.0.1.${n}`, ...over })

const documents = (over: {
  readonly checks?: ReadonlyArray<RawCheck>
  readonly settings?: NonNullable<NonNullable<NonNullable<RawDocuments["local"]>["GeoDNS"]>["Checks"]>
  readonly members?: NonNullable<RawDocuments["members"]>
  readonly urls?: ReadonlyArray<string>
  readonly workers?: number
} = {}): RawDocuments => ({
  local: {
    System: { ConfigReloadTime: 3_600 },
    Checks: [...over.checks ?? [http()]],
    CheckWorkers: { numWorkers: over.workers ?? 100 },
    GeoDNS: { Checks: over.settings ?? {} }
  },
  members: over.members ?? { a: member("Harbour", 1), b: member("Lagoon", 2) },
  services: { s: rawService({ urls: over.urls ?? ["wss://rpc.example/s"] }) }
})

const Around = (docs: RawDocuments) =>
  FakeCluster.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(
      OfficialStatus.layerMemory,
      Overrides.layerMemory.pipe(Layer.provideMerge(Config.layerMemory(docs))),
      NodeIdentity.layerMemory({ id: "MONITOR-1", role: "IBPMonitor" }),
      Conditions.layerMemory,
      ScriptedProbes.layer
    ))
  )

const World = (docs: RawDocuments = documents()) => Monitor.layerMemory.pipe(Layer.provideMerge(Around(docs)))

const seeded = Random.withSeed("monitor")

/** Everything that is observed from now on. */
const watch = Effect.gen(function*() {
  const seen: Array<Observation> = []
  const stream = yield* Monitor.use(({ subscribe }) => subscribe)
  yield* Effect.forkScoped(Stream.runForEach(stream, (observation) => Effect.sync(() => void seen.push(observation))))
  return seen
})

/** Lets time pass in small steps, as real time does. */
const pass = Effect.fnUntraced(function*(millis: number) {
  for (let left = millis; left > 0; left -= 100) yield* TestClock.adjust(Math.min(left, 100))
})

const reload = Effect.fnUntraced(function*(docs: RawDocuments) {
  yield* setDocuments(docs)
  yield* Config.use((config) => config.reload)
  yield* TestClock.adjust(0)
})

const results = Monitor.use(({ results }) => results)
const planned = Monitor.use(({ planned }) => planned)
const cluster = FakeCluster
const names = (list: ReadonlyArray<LocalResult>) => list.map(({ target }) => target.member)
const of = (seen: ReadonlyArray<Observation>, name: string) => seen.filter(({ target }) => target.member === name)

describe("the schedule", () => {
  it.effect("observes every target once an interval, from its first one on", () =>
    Effect.gen(function*() {
      const seen = yield* watch
      assert.strictEqual(yield* planned, 2)
      assert.deepStrictEqual(yield* results, [])
      yield* pass(105_000)
      for (const name of ["Harbour", "Lagoon"]) {
        // The first success is rechecked at once, the others are regular
        const at = of(seen, name).map(({ at }) => at)
        assert.isAtMost(at[0]!, 10_501)
        assert.closeTo(at[1]! - at[0]!, 1_000, 2)
        assert.isAtLeast(at.length, 10)
        assert.isAtMost(at.length, 12)
        for (let i = 3; i < at.length; i++) assert.closeTo(at[i]! - at[i - 1]!, 10_000, 502)
      }
    }).pipe(Effect.provide(World()), seeded))

  it.effect("results are there before those who watch hear of an observation", () =>
    Effect.gen(function*() {
      const stream = yield* Monitor.use(({ subscribe }) => subscribe)
      const counts: Array<number> = []
      yield* Effect.forkScoped(
        Stream.runForEach(stream, () => Effect.map(results, (list) => void counts.push(list.length)))
      )
      yield* pass(30_000)
      assert.isAtLeast(counts.length, 4)
      assert.isAtLeast(counts[0]!, 1)
    }).pipe(Effect.provide(World()), seeded))

  it.effect("goes on when the wall clock is set back by a day", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      let back = 0
      const wall = { ...clock, currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() - back }
      yield* Effect.gen(function*() {
        const seen = yield* watch
        yield* pass(60_000)
        const count = seen.length
        back = 86_400_000
        yield* pass(60_000)
        assert.isAtLeast(seen.length - count, 10)
        assert.isTrue(seen.every(({ latency }) => latency === 1))
      }).pipe(Effect.provide(World()), Effect.provideService(Clock.Clock, wall))
    }).pipe(seeded))
})

describe("the start", () => {
  const many = documents({
    members: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`m${i}`, member(`Member ${i}`, i + 1)])),
    urls: Array.from({ length: 5 }, (_, i) => `wss://rpc.example/${i}`)
  })

  it.effect("is quiet: with everything up, each target is proposed once, at most 20 a second", () =>
    Effect.gen(function*() {
      const { proposed } = yield* cluster
      const seen = yield* watch
      yield* pass(60_000)
      assert.strictEqual(proposed.length, 200)
      assert.strictEqual(new Set(proposed.map(({ target }) => JSON.stringify(target))).size, 200)
      for (let i = 1; i < proposed.length; i++) assert.isAtLeast(proposed[i]!.at - proposed[i - 1]!.at, 50)
      for (const { at, target } of proposed) {
        const before = seen.filter((o) => o.target.endpoint === target.endpoint && o.target.member === target.member)
        assert.isAtLeast(before.filter((o) => o.at <= at).length, 2)
      }
    }).pipe(Effect.provide(World(many)), seeded))

  it.effect("proposes nothing that others decided meanwhile", () =>
    Effect.gen(function*() {
      const { decide, proposed } = yield* cluster
      const status = yield* OfficialStatus
      const stream = yield* Monitor.use(({ subscribe }) => subscribe)
      yield* Effect.forkScoped(
        Stream.runForEach(stream, ({ target }) =>
          Effect.flatMap(status.get(target), (official) =>
            official === undefined ? decide(target, true) : Effect.void))
      )
      yield* pass(60_000)
      assert.deepStrictEqual(proposed, [])
    }).pipe(Effect.provide(World(many)), seeded))

  it.effect("what is down from the start is proposed after a short wait", () =>
    Effect.gen(function*() {
      const { proposed } = yield* cluster
      yield* ScriptedProbes.use(({ set }) => set({}, { up: false, error: "status 503" }))
      const seen = yield* watch
      yield* pass(40_000)
      assert.strictEqual(proposed.length, 2)
      for (const { at, error, target, up } of proposed) {
        const second = of(seen, target.member)[1]!.at
        assert.isAtLeast(at, second)
        assert.isBelow(at, second + 1_000)
        assert.deepStrictEqual([up, error], [false, "status 503"])
      }
    }).pipe(Effect.provide(World()), seeded))
})

describe("a change", () => {
  /** Everything was observed and decided to be up. */
  const settled = Effect.gen(function*() {
    const fake = yield* cluster
    yield* pass(60_000)
    assert.strictEqual(fake.proposed.length, yield* planned)
    const count = fake.proposed.length
    return { fake, since: () => fake.proposed.slice(count) }
  })

  it.effect("is rechecked after a tenth of the interval, both ways, and then proposed", () =>
    Effect.gen(function*() {
      const { since } = yield* settled
      const seen = yield* watch
      const { set, unset } = yield* ScriptedProbes
      yield* set({ member: "Harbour" }, { up: false, error: "status 503" })
      yield* pass(20_000)
      const failures = of(seen, "Harbour").filter(({ up }) => !up).map(({ at }) => at)
      assert.closeTo(failures[1]! - failures[0]!, 1_000, 2)
      assert.deepStrictEqual(since().map(({ at, error, target, up }) => [at, target.member, up, error]), [
        [failures[1]!, "Harbour", false, "status 503"]
      ])
      yield* unset({ member: "Harbour" })
      yield* pass(20_000)
      const successes = of(seen, "Harbour").filter(({ up }) => up).map(({ at }) => at)
      assert.closeTo(successes[1]! - successes[0]!, 1_000, 2)
      assert.deepStrictEqual(since().slice(1).map(({ at, up }) => [at, up]), [[successes[1]!, true]])
      assert.strictEqual((yield* results).find(({ target }) => target.member === "Harbour")!.debounced, true)
    }).pipe(Effect.provide(World()), seeded))

  it.effect("that lasts for one observation only is none", () =>
    Effect.gen(function*() {
      const { since } = yield* settled
      const seen = yield* watch
      const { set, unset } = yield* ScriptedProbes
      yield* set({ member: "Harbour" }, { up: false, error: "status 503" })
      while (of(seen, "Harbour").length === 0) yield* TestClock.adjust(100)
      yield* unset({ member: "Harbour" })
      yield* pass(30_000)
      assert.deepStrictEqual(of(seen, "Harbour").slice(0, 2).map(({ up }) => up), [false, true])
      assert.deepStrictEqual(since(), [])
    }).pipe(Effect.provide(World()), seeded))

  it.effect("that is rejected is proposed again only after the next observation", () =>
    Effect.gen(function*() {
      const { fake, since } = yield* settled
      fake.answer = "reject"
      const seen = yield* watch
      yield* ScriptedProbes.use(({ set }) => set({ member: "Harbour" }, { up: false }))
      yield* pass(60_000)
      const failures = of(seen, "Harbour").filter(({ up }) => !up).map(({ at }) => at)
      assert.isAtLeast(failures.length, 5)
      assert.deepStrictEqual(since().map(({ at }) => at), failures.slice(1))
    }).pipe(Effect.provide(World()), seeded))

  it.effect("is not proposed while the last observation speaks against it", () =>
    Effect.gen(function*() {
      const { fake, since } = yield* settled
      fake.answer = "reject"
      const seen = yield* watch
      const { set, unset } = yield* ScriptedProbes
      yield* set({ member: "Harbour" }, { up: false })
      while (since().length === 0) yield* TestClock.adjust(100)
      yield* unset({ member: "Harbour" })
      yield* pass(30_000)
      assert.isTrue(of(seen, "Harbour").at(-1)!.up)
      assert.deepStrictEqual(since().map(({ up }) => up), [false])
    }).pipe(Effect.provide(World()), seeded))

  it.effect("a first status that is rejected waits again, too", () =>
    Effect.gen(function*() {
      const fake = yield* cluster
      fake.answer = "reject"
      const seen = yield* watch
      yield* pass(120_000)
      for (const name of ["Harbour", "Lagoon"]) {
        const at = fake.proposed.filter(({ target }) => target.member === name).map(({ at }) => at)
        assert.isAtLeast(at.length, 4)
        for (let i = 1; i < at.length; i++) {
          assert.isTrue(of(seen, name).some((o) => o.at > at[i - 1]! && o.at <= at[i]!))
        }
      }
    }).pipe(Effect.provide(World()), seeded))

  it.effect("waits for MinimumStateTime to pass", () =>
    Effect.gen(function*() {
      const { since } = yield* settled
      const status = yield* OfficialStatus
      const decided = new Map(
        [...(yield* status.all).values()].map(({ decidedAt, target }) => [target.member, decidedAt])
      )
      yield* ScriptedProbes.use(({ set }) => set({}, { up: false }))
      yield* pass(300_000)
      assert.strictEqual(since().length, 2)
      for (const { at, target } of since()) {
        assert.isAtLeast(at, decided.get(target.member)! + 200_000)
        assert.isAtMost(at, decided.get(target.member)! + 211_000)
      }
    }).pipe(Effect.provide(World(documents({ settings: { http: { MinimumStateTime: 200 } } }))), seeded))

  it.effect("goes on whatever consensus does: hang or break", () =>
    Effect.gen(function*() {
      const { fake, since } = yield* settled
      const seen = yield* watch
      yield* ScriptedProbes.use(({ set }) => set({}, { up: false }))
      fake.answer = "hang"
      yield* pass(15_000)
      fake.answer = "break"
      yield* pass(60_000)
      fake.answer = "accept"
      yield* pass(25_000)
      const status = yield* OfficialStatus
      assert.deepStrictEqual([...(yield* status.all).values()].map(({ up }) => up), [false, false])
      assert.isAtLeast(since().length, 8)
      assert.isAtLeast(seen.length, 18)
    }).pipe(Effect.provide(World()), seeded))
})

describe("a target that flaps", () => {
  const flappy = (over: object = {}): RawDocuments => {
    const { local, ...docs } = documents({ members: { a: member("Harbour", 1) } })
    return { ...docs, local: { ...local, GeoDNS: { FlapDamping: { HalfLife: 600, MaxSuppressTime: 2_400, ...over } } } }
  }
  const held = Effect.map(Monitor.use(({ held }) => held), (list) => list.map(({ target }) => target.member))
  const isUp = Effect.map(
    OfficialStatus.use(({ all }) => all),
    (all) => [...all.values()].map(({ up }) => up).join()
  )

  /** Down for a while, and up again for a while. */
  const flap = Effect.gen(function*() {
    const { set, unset } = yield* ScriptedProbes
    yield* set({}, { up: false })
    yield* pass(25_000)
    assert.strictEqual(yield* isUp, "false", "a down is never delayed")
    yield* unset({})
    yield* pass(25_000)
  })
  const flaps = (n: number) => Effect.repeat(flap, { times: n - 1 })

  it.effect("is held down after the sixth time, and let go when it has been calm", () =>
    Effect.gen(function*() {
      yield* pass(60_000)
      yield* flaps(5)
      assert.deepStrictEqual([yield* isUp, yield* held], ["true", []])
      yield* flaps(1)
      assert.deepStrictEqual([yield* isUp, yield* held], ["false", ["Harbour"]])
      yield* pass(600_000)
      assert.deepStrictEqual([yield* isUp, yield* held], ["false", ["Harbour"]])
      yield* pass(250_000)
      assert.deepStrictEqual([yield* isUp, yield* held], ["true", []])
      // Its next down is as quick as any, although few more of them hold it again.
      yield* flaps(1)
    }).pipe(Effect.provide(World(flappy())), seeded), 120_000)

  it.effect(
    "is held as long as this node sees it flap, and its up by the votes of others is not undone",
    () =>
      Effect.gen(function*() {
        yield* pass(60_000)
        yield* flaps(16)
        assert.deepStrictEqual([yield* isUp, yield* held], ["false", ["Harbour"]])
        // From the sixth time on that is longer than it would have been held.
        yield* pass(600_000)
        assert.deepStrictEqual([yield* isUp, yield* held], ["false", ["Harbour"]])
        const fake = yield* cluster
        const { target } = (yield* Monitor.use(({ held }) => held))[0]!
        const before = fake.proposed.length
        yield* fake.decide(target, true)
        yield* pass(60_000)
        assert.deepStrictEqual([yield* isUp, fake.proposed.length], ["true", before])
        yield* ScriptedProbes.use(({ set }) => set({}, { up: false }))
        yield* pass(15_000)
        assert.strictEqual(yield* isUp, "false")
      }).pipe(Effect.provide(World(flappy())), seeded),
    120_000
  )

  it.effect("is not held where that is turned off, at the start or later", () =>
    Effect.gen(function*() {
      yield* pass(60_000)
      yield* flaps(8)
      assert.deepStrictEqual([yield* isUp, yield* held], ["true", []])
      yield* reload(flappy())
      yield* flaps(6)
      assert.deepStrictEqual([yield* isUp, yield* held], ["false", ["Harbour"]])
      yield* reload(flappy({ Enabled: false }))
      yield* pass(15_000)
      assert.deepStrictEqual([yield* isUp, yield* held], ["true", []])
    }).pipe(Effect.provide(World(flappy({ Enabled: false }))), seeded), 120_000)
})

describe("how long probes took", () => {
  it.effect("is kept for each target and member, of successful probes, and goes with them", () =>
    Effect.gen(function*() {
      const { set } = yield* ScriptedProbes
      const latencies = Monitor.use(({ latencies }) => latencies)
      yield* set({ member: "Harbour" }, { up: true, latency: 40 })
      yield* pass(60_000)
      const [{ target }] = (yield* results).filter(({ target }) => target.member === "Harbour") as [LocalResult]
      const before = yield* latencies
      assert.closeTo(before.ofMember("Harbour")!.p50, 40, 4)
      assert.closeTo(before.ofTarget(targetKey(target))!.p99, 40, 4)
      assert.isBelow(before.ofMember("Lagoon")!.p99, 2)
      yield* set({ member: "Harbour" }, { up: false, latency: 2_000 })
      yield* pass(60_000)
      assert.isBelow((yield* latencies).ofMember("Harbour")!.p99, 50)
      yield* reload(documents({ members: { b: member("Lagoon", 2) } }))
      const after = yield* latencies
      assert.deepStrictEqual([after.ofMember("Harbour"), after.ofTarget(targetKey(target))], [undefined, undefined])
      assert.isDefined(after.ofMember("Lagoon"))
    }).pipe(Effect.provide(World()), seeded))
})

describe("what a monitor does not know", () => {
  it.effect("a result goes stale after two intervals and 30 s: unknown, not down, and a new streak after that", () =>
    Effect.gen(function*() {
      const { proposed } = yield* cluster
      const { set, unset } = yield* ScriptedProbes
      yield* pass(60_000)
      const before = proposed.length
      yield* set({ member: "Harbour" }, { up: undefined, error: "this node could not try: EMFILE" })
      yield* pass(45_000)
      const stale = Effect.map(results, (list) => list.filter(({ stale }) => stale).map(({ target }) => target.member))
      assert.deepStrictEqual(yield* stale, [])
      yield* pass(20_000)
      assert.deepStrictEqual(yield* stale, ["Harbour"])
      yield* unset({ member: "Harbour" })
      yield* set({ member: "Harbour" }, { up: false })
      const seen = yield* watch
      while (of(seen, "Harbour").length === 0) yield* TestClock.adjust(100)
      const [result] = (yield* results).filter(({ target }) => target.member === "Harbour")
      assert.deepStrictEqual([result!.debounced, result!.streak, result!.stale], [undefined, 1, false])
      assert.strictEqual(proposed.length, before)
    }).pipe(Effect.provide(World()), seeded))

  it.effect("a check whose probe is not known is a condition, and nothing is ever down for it", () =>
    Effect.gen(function*() {
      const conditions = yield* Conditions
      const [condition] = yield* conditions.current
      assert.strictEqual(condition!.name, "checks")
      assert.match(condition!.detail, /^check pnig: there is no probe pnig/)
      yield* ScriptedProbes.use(({ set }) => set({}, { up: false }))
      yield* pass(60_000)
      assert.strictEqual(yield* planned, 0)
      assert.deepStrictEqual((yield* cluster).proposed, [])
      yield* reload(documents())
      assert.strictEqual(yield* planned, 2)
      assert.deepStrictEqual(yield* conditions.current, [])
    }).pipe(Effect.provide(World(documents({ checks: [http({ Name: "pnig" })] }))), seeded))
})

describe("a new configuration", () => {
  it.effect("adds and removes targets at once and leaves the others alone", () =>
    Effect.gen(function*() {
      const seen = yield* watch
      yield* pass(35_000)
      assert.sameMembers(names(yield* results), ["Harbour", "Lagoon"])
      const count = of(seen, "Lagoon").length
      yield* reload(documents({ members: { b: member("Lagoon", 2), c: member("Mesa", 3) } }))
      assert.deepStrictEqual(names(yield* results), ["Lagoon"])
      assert.strictEqual(yield* planned, 2)
      assert.isAtLeast((yield* results)[0]!.streak, 3)
      yield* pass(65_000)
      const mine = of(seen, "Lagoon").map(({ at }) => at)
      assert.isAtLeast(mine.length - count, 6)
      for (let i = 3; i < mine.length; i++) assert.closeTo(mine[i]! - mine[i - 1]!, 10_000, 502)
      assert.deepStrictEqual(of(seen, "Harbour").filter(({ at }) => at > 35_000), [])
      assert.isAtLeast(of(seen, "Mesa").length, 6)
    }).pipe(Effect.provide(World()), seeded))

  it.effect("what it adds is looked at within a second, also where there was nothing before", () =>
    Effect.gen(function*() {
      yield* pass(5_000)
      assert.strictEqual(yield* planned, 0)
      const members = { b: member("Lagoon", 2), c: member("Mesa", 3) }
      const many = { urls: Array.from({ length: 200 }, (_, i) => `wss://rpc.example/${i}`), members }
      yield* reload(documents(many))
      assert.strictEqual(yield* planned, 400)
      yield* pass(1_000)
      assert.lengthOf(yield* results, 400)
      yield* reload(documents({ ...many, members: { ...members, d: member("Delta", 4) } }))
      yield* pass(1_000)
      assert.lengthOf(yield* results, 600)
    }).pipe(Effect.provide(World(documents({ members: {} }))), seeded))

  it.effect("is not held up by probes that hang, nor by all workers being busy", () =>
    Effect.gen(function*() {
      yield* ScriptedProbes.use(({ set }) => set({}, { up: true, latency: Infinity }))
      yield* pass(30_000)
      yield* ScriptedProbes.use(({ set }) => set({ member: "Mesa" }, { up: true }))
      yield* reload(documents({ members: { c: member("Mesa", 3) } }))
      assert.strictEqual(yield* planned, 1)
      yield* pass(15_000)
      assert.deepStrictEqual(names(yield* results), ["Mesa"])
    }).pipe(Effect.provide(World(documents({ checks: [http({ Timeout: 600 })], workers: 1 }))), seeded))

  it.effect("forgets what was seen at another address, and keeps it when only times change", () =>
    Effect.gen(function*() {
      const seen = yield* watch
      yield* pass(35_000)
      yield* reload(documents({ checks: [http({ Timeout: 1, minimumInterval: 2 })] }))
      assert.sameMembers(names(yield* results), ["Harbour", "Lagoon"])
      const count = seen.length
      yield* pass(20_000)
      assert.isAtLeast(seen.length - count, 18)
      yield* reload(documents({
        checks: [http({ Timeout: 1, minimumInterval: 2 })],
        members: { a: member("Harbour", 9), b: member("Lagoon", 2) }
      }))
      assert.deepStrictEqual(names(yield* results), ["Lagoon"])
      yield* pass(5_000)
      assert.sameMembers(names(yield* results), ["Harbour", "Lagoon"])
    }).pipe(Effect.provide(World()), seeded))

  it.effect("a member that is overridden is no longer checked", () =>
    Effect.gen(function*() {
      yield* pass(35_000)
      yield* reload(documents({ members: { a: member("Harbour", 1, { override: true }), b: member("Lagoon", 2) } }))
      assert.deepStrictEqual(names(yield* results), ["Lagoon"])
    }).pipe(Effect.provide(World()), seeded))
})

describe("a member that an operator takes out", () => {
  it.effect("is not checked and not proposed, and checked again when it is back", () =>
    Effect.gen(function*() {
      const seen = yield* watch
      yield* pass(35_000)
      const overrides = yield* Overrides
      yield* overrides.add({ kind: "override", member: "a", reason: "moves house", author: "ann" })
      yield* TestClock.adjust(0)
      assert.strictEqual(yield* planned, 1)
      assert.deepStrictEqual(names(yield* results), ["Lagoon"])
      const before = of(seen, "Harbour").length
      const proposedBefore = (yield* cluster).proposed.length
      yield* ScriptedProbes.use(({ set }) => set({ member: "Harbour" }, { up: false, error: "status 503" }))
      yield* pass(60_000)
      assert.strictEqual(of(seen, "Harbour").length, before)
      assert.strictEqual((yield* cluster).proposed.length, proposedBefore)
      // A reload of the documents changes nothing about it.
      yield* reload(documents({ workers: 50 }))
      assert.strictEqual(yield* planned, 1)
      yield* overrides.end({ kind: "override", member: "Harbour", reason: "", author: "ann" })
      yield* pass(30_000)
      assert.strictEqual(yield* planned, 2)
      assert.isAbove(of(seen, "Harbour").length, before)
      assert.deepInclude((yield* cluster).proposed.at(-1), { up: false, error: "status 503" })
    }).pipe(Effect.provide(World()), seeded))
})

describe("IP versions", () => {
  const both = documents({ members: { a: member("Harbour", 1, { ipv6: "2001:db8::1" }) } })

  it.effect("only those that this node has are checked, and when one comes it is noticed", () => {
    let reach: FamilyReach = { ipv4: "all", ipv6: "none" }
    const Here = Monitor.layer.pipe(
      Layer.provide([
        Prober.layer,
        Probes.layerMemory,
        Layer.succeed(Families, { reach: Effect.sync(() => reach) })
      ]),
      Layer.provideMerge(Around(both))
    )
    return Effect.gen(function*() {
      const seen = yield* watch
      assert.strictEqual(yield* planned, 1)
      yield* pass(30_000)
      assert.isTrue(seen.every(({ target }) => !target.ipv6))
      reach = { ipv4: "all", ipv6: "all" }
      yield* pass(30_000)
      assert.strictEqual(yield* planned, 2)
      yield* pass(20_000)
      assert.isTrue(seen.some(({ target }) => target.ipv6))
      reach = { ipv4: "all", ipv6: "none" }
      yield* pass(60_000)
      assert.isTrue((yield* results).every(({ target }) => !target.ipv6))
    }).pipe(Effect.provide(Here), seeded)
  })
})
