import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { TestClock } from "effect/testing"
import { Config } from "../../src/config/Config.ts"
import { type RawDocuments, setDocuments } from "../../src/config/memoryConfig.ts"
import { Families } from "../../src/monitor/Families.ts"
import { Monitor } from "../../src/monitor/Monitor.ts"
import { Prober } from "../../src/monitor/Prober.ts"
import { Probes } from "../../src/monitor/Probes.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { longestSilence } from "../../src/monitor/selfTest.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { Observer } from "../../src/status/Observer.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { rawCheck, rawMember } from "./documents.ts"
import { FakeCluster } from "./fakeConsensus.ts"

const documents = (count: number): RawDocuments => ({
  local: { System: { ConfigReloadTime: 3_600 }, Checks: [rawCheck({ Name: "ping", CheckType: "site" })] },
  members: Object.fromEntries(Array.from({ length: count }, (_, i) => [
    `m${i}`,
    rawMember({ name: `Member ${i}`, ipv4: `192.0.2.${i + 1}`, ipv6: i < 4 ? `2001:db8::${i + 1}` : "" })
  ])),
  services: {}
})

const World = (count: number) =>
  Monitor.layer.pipe(
    Layer.provideMerge(Prober.layer),
    Layer.provide([Probes.layerMemory, Families.layerMemory]),
    Layer.provideMerge(FakeCluster.layer),
    Layer.provideMerge(Layer.mergeAll(
      OfficialStatus.layerMemory,
      Overrides.layerMemory.pipe(Layer.provideMerge(Config.layerMemory(documents(count)))),
      NodeIdentity.layerMemory({ id: "MONITOR-1", role: "IBPMonitor" }),
      Conditions.layerMemory,
      ScriptedProbes.layer
    ))
  )

const seeded = Random.withSeed("self-test")

const pass = Effect.fnUntraced(function*(millis: number) {
  for (let left = millis; left > 0; left -= 100) yield* TestClock.adjust(Math.min(left, 100))
})

const down = { up: false, error: "no answer" }
const conditions = Effect.map(Conditions.use(({ current }) => current), (all) => all.map(({ name }) => name))
const silent = Effect.map(Monitor.use(({ self }) => self), (self) => self.silent)

const observe = Effect.fnUntraced(function*(member: string, ipv6: boolean) {
  const observer = yield* Observer
  const target = { checkType: "site", check: "ping", member, domain: "", endpoint: "", ipv6 } as const
  const looking = yield* Effect.forkChild(observer.observe(target, 0))
  yield* TestClock.adjust(10)
  return Option.map(yield* Fiber.join(looking), ({ up }) => up)
})

/** Everything is officially up; from then on the others do not see what this node sees. */
const settled = Effect.gen(function*() {
  const fake = yield* FakeCluster
  yield* pass(60_000)
  assert.strictEqual(fake.proposed.length, yield* Monitor.use(({ planned }) => planned))
  assert.deepStrictEqual(yield* conditions, [])
  fake.answer = "reject"
  return fake
})

describe("a sick observer", () => {
  it.effect("neither proposes nor votes while most members fail from here, and goes on when they answer", () =>
    Effect.gen(function*() {
      const { proposed } = yield* settled
      const { set, unset } = yield* ScriptedProbes
      yield* set({}, down)
      yield* pass(20_000)
      assert.deepStrictEqual(yield* conditions, ["observer"])
      const before = proposed.length
      const probes = yield* ScriptedProbes.use(({ started }) => started({}))
      yield* pass(10_000)
      assert.strictEqual(proposed.length, before)
      assert.isTrue(Option.isNone(yield* observe("Member 0", false)))
      assert.isAbove(yield* ScriptedProbes.use(({ started }) => started({})), probes, "it goes on looking")
      const [condition] = yield* Conditions.use(({ current }) => current)
      assert.match(condition!.detail, /of 6 members that the others hold for up.*its uplink/)

      yield* unset({})
      yield* pass(20_000)
      assert.deepStrictEqual(yield* conditions, [])
      assert.deepStrictEqual(yield* observe("Member 0", false), Option.some(true))
      yield* set({ member: "Member 0" }, down)
      yield* pass(20_000)
      assert.isAbove(proposed.length, before)
    }).pipe(Effect.provide(World(6)), seeded))

  it.effect("is silent for half a minute at most", () =>
    Effect.gen(function*() {
      const { proposed } = yield* settled
      yield* ScriptedProbes.use(({ set }) => set({}, down))
      yield* pass(15_000)
      const before = proposed.length
      assert.isTrue((yield* silent).ipv4)
      yield* pass(longestSilence - 20_000)
      assert.strictEqual(proposed.length, before)
      yield* pass(60_000)
      assert.isAbove(proposed.length, before)
      assert.deepStrictEqual(yield* conditions, ["observer"])
      assert.isFalse((yield* silent).ipv4)
    }).pipe(Effect.provide(World(6)), seeded), 120_000)

  it.effect("an outage of many members that the others see, too, is none: each is proposed and decided", () =>
    Effect.gen(function*() {
      const fake = yield* settled
      fake.answer = "accept"
      yield* ScriptedProbes.use(({ set }) => set({}, down))
      yield* pass(30_000)
      const all = [...(yield* OfficialStatus.use(({ all }) => all)).values()]
      assert.isTrue(all.every(({ up }) => !up))
      assert.deepStrictEqual(yield* conditions, [])
    }).pipe(Effect.provide(World(10)), seeded))

  it.effect("an outage of most members is decided within a minute also where each probe takes its time", () =>
    Effect.gen(function*() {
      const fake = yield* settled
      fake.answer = "accept"
      const gone = ["Member 1", "Member 2", "Member 3", "Member 4"]
      const { set } = yield* ScriptedProbes
      yield* Effect.forEach(gone, (member) => set({ member }, { ...down, latency: 4_000 }))
      yield* pass(60_000)
      const all = [...(yield* OfficialStatus.use(({ all }) => all)).values()]
      for (const { target, up } of all) assert.strictEqual(up, !gone.includes(target.member), target.member)
    }).pipe(Effect.provide(World(6)), seeded))

  it.effect("is not judged by few members", () =>
    Effect.gen(function*() {
      const { proposed } = yield* settled
      const before = proposed.length
      yield* ScriptedProbes.use(({ set }) => set({ ipv6: false }, down))
      yield* pass(30_000)
      assert.isAbove(proposed.length, before)
      assert.deepStrictEqual(yield* conditions, [])
    }).pipe(Effect.provide(World(4)), seeded))

  it.effect("is well again when those members are removed", () =>
    Effect.gen(function*() {
      yield* settled
      yield* ScriptedProbes.use(({ set }) => set({}, down))
      yield* pass(30_000)
      assert.deepStrictEqual(yield* conditions, ["observer"])
      yield* setDocuments({ ...documents(0), members: {} })
      yield* Config.use(({ reload }) => reload)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* conditions, [])
    }).pipe(Effect.provide(World(6)), seeded))
})

describe("IPv6", () => {
  it.effect("is lost while no IPv6 target answers that is officially up, and IPv4 goes on", () =>
    Effect.gen(function*() {
      const { proposed } = yield* settled
      const { set, unset } = yield* ScriptedProbes
      yield* set({ ipv6: true }, down)
      yield* pass(20_000)
      assert.deepStrictEqual(yield* silent, { ipv4: false, ipv6: true })
      assert.deepStrictEqual(yield* conditions, ["ipv6"])
      const before = proposed.length
      yield* pass(60_000)
      assert.strictEqual(proposed.length, before)
      assert.isTrue(Option.isNone(yield* observe("Member 0", true)))
      assert.deepStrictEqual(yield* observe("Member 0", false), Option.some(true))
      // One that answers is enough: the others are down then.
      yield* unset({ ipv6: true })
      yield* set({ ipv6: true }, down)
      yield* set({ ipv6: true, member: "Member 1" }, { up: true })
      yield* pass(30_000)
      assert.deepStrictEqual(yield* silent, { ipv4: false, ipv6: false })
      assert.deepStrictEqual(yield* conditions, [])
      assert.isAbove(proposed.length, before)
      assert.isTrue(proposed.slice(before).every(({ target }) => target.ipv6 && target.member !== "Member 1"))
    }).pipe(Effect.provide(World(8)), seeded))
})
