import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Option, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import * as Messages from "../../src/bus/Messages.ts"
import { Config } from "../../src/config/Config.ts"
import { setDocuments } from "../../src/config/memoryConfig.ts"
import type { Override } from "../../src/domain/Override.ts"
import { type OverrideMessage, toOverrideRecord } from "../../src/domain/wire/Override.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFileError, DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { maxOverrides } from "../../src/status/makeOverrides.ts"
import { brokenOverridesFile, overridesFile } from "../../src/status/OverrideFile.ts"
import { type OverrideRequest, Overrides } from "../../src/status/Overrides.ts"
import { membersOf, servicesOf } from "../steering/world.ts"
import { override } from "./overridden.ts"

const members = membersOf({
  lagoon: { name: "Lagoon" },
  harbour: { name: "Harbour Networks" },
  gone: { override: true }
})
const config = Config.layerMemory({ members, services: servicesOf({ Main: {} }) })

/** Starts a node over the files, the configuration and the broker in context. */
const start = Effect.fnUntraced(function*(id: string) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const layer = Overrides.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(
      NodeIdentity.layerMemory({ id, role: "IBPMonitor" }),
      Bus.layerMemory({ name: id }),
      Conditions.layerMemory
    ))
  )
  const parts = yield* Scope.provide(Layer.build(Layer.fresh(layer)), scope)
  yield* TestClock.adjust(0)
  return {
    ...Context.get(parts, Overrides),
    conditions: Effect.map(Context.get(parts, Conditions).current, (all) => all.map(({ name }) => name)),
    stop: Scope.close(scope, Exit.void)
  }
})

/** Somebody else on the bus. */
const stranger = Effect.gen(function*() {
  const bus = yield* Effect.map(Layer.build(Bus.layerMemory({ name: "stranger" })), Context.get(Bus))
  const heard: Array<OverrideMessage> = []
  yield* Messages.receive(Subject.Override, (message) => Effect.sync(() => void heard.push(message))).pipe(
    Effect.provideService(Bus, bus)
  )
  return {
    heard,
    say: (message: Omit<OverrideMessage, "NodeID">) =>
      Messages.send(Subject.Override, { NodeID: "stranger", ...message }).pipe(
        Effect.provideService(Bus, bus),
        Effect.andThen(TestClock.adjust(0))
      ),
    raw: (text: string) => Effect.andThen(bus.publish(Subject.Override.name, text), TestClock.adjust(0))
  }
})

const world = Layer.mergeAll(MemoryBroker.layer, DurableFiles.layerMemory, config)
const ask = (over: Partial<OverrideRequest> = {}): OverrideRequest => ({
  kind: "override",
  member: "lagoon",
  reason: "broken disk",
  author: "ann",
  ...over
})
const back = { kind: "override", member: "LAGOON", reason: "repaired", author: "bob" } as const
const out = (node: { readonly active: Effect.Effect<ReadonlyMap<string, Override>> }) =>
  Effect.map(node.active, (active) => [...active.keys()])
const file = DurableFiles.use((files) => Effect.map(files.read(overridesFile), Option.getOrElse(() => "")))
const refusal = (effect: Effect.Effect<unknown, { readonly message: string }>) =>
  Effect.map(Effect.flip(effect), ({ message }) => message)

describe("an operator", () => {
  it.effect("takes a member out by key or name, and back in by any of them", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      const node = yield* start("monitor-1")
      const given = yield* node.add(ask())
      assert.deepInclude(given, { member: "Lagoon", node: "monitor-1", at: 3_600_000, from: 3_600_000, author: "ann" })
      assert.deepStrictEqual(yield* out(node), ["Lagoon"])
      assert.include(yield* file, given.id)
      yield* TestClock.adjust("1 minute")
      const ended = (yield* node.end(back))[0]!
      assert.deepStrictEqual(ended, { ...given, ended: { at: 3_660_000, by: "bob", reason: "repaired" } })
      assert.deepStrictEqual(yield* out(node), [])
      assert.include(yield* file, "repaired")
      assert.deepStrictEqual(yield* node.list, [ended])
    }).pipe(Effect.provide(world)))

  it.effect("hears what is wrong: a member that nobody knows, nothing to end, an end in the past", () =>
    Effect.gen(function*() {
      const node = yield* start("monitor-1")
      assert.strictEqual(
        yield* refusal(node.add(ask({ member: "Lagon" }))),
        'no member is called "Lagon"; did you mean "Lagoon"?'
      )
      assert.strictEqual(
        yield* refusal(node.end({ ...back, member: "nobody at all" })),
        'no member is called "nobody at all"'
      )
      assert.strictEqual(yield* refusal(node.end(back)), "nothing is in force or planned for Lagoon")
      assert.include(yield* refusal(node.end({ ...back, member: "gone" })), "taken out by the members document")
      assert.include(yield* refusal(node.add(ask({ reason: "" }))), "give a reason")
      yield* node.add(ask())
      assert.include(yield* refusal(node.end({ ...back, kind: "maintenance" })), "nothing is in force")
      assert.deepStrictEqual(yield* out(node), ["Lagoon"])
    }).pipe(Effect.provide(world)))

  it.effect("can bring back a member that the documents lost meanwhile", () =>
    Effect.gen(function*() {
      const node = yield* start("monitor-1")
      yield* node.add(ask())
      yield* setDocuments({ members: membersOf({ harbour: { name: "Harbour Networks" } }) })
      yield* Config.use((config) => config.reload)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* out(node), ["Lagoon"])
      assert.deepStrictEqual(yield* node.conditions, ["overrides:member"])
      assert.lengthOf(yield* node.end(back), 1)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual([yield* out(node), yield* node.conditions], [[], []])
    }).pipe(Effect.provide(world)))

  it.effect("is told when it cannot be kept, and then nothing has changed", () => {
    let full = true
    const files = Layer.effect(
      DurableFiles,
      Effect.map(DurableFiles, (files) => ({
        ...files,
        write: (name: string, content: string) =>
          full
            ? Effect.fail(
              new DurableFileError({ operation: "write", file: name, message: "disk full", cause: undefined })
            )
            : files.write(name, content)
      }))
    ).pipe(Layer.provide(DurableFiles.layerMemory))
    return Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("monitor-1")
      const before = other.heard.length
      assert.include(yield* refusal(node.add(ask())), "not taken, since it could not be kept on the disk: disk full")
      assert.deepStrictEqual([yield* out(node), yield* node.list, other.heard.length], [[], [], before])
      // What others tell holds all the same.
      yield* other.say({ Overrides: [toOverrideRecord(override())] })
      assert.deepStrictEqual(yield* out(node), ["Lagoon"])
      assert.deepStrictEqual(yield* node.conditions, ["overrides:write"])
      full = false
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* node.conditions, [])
      assert.include(yield* file, "broken disk")
    }).pipe(Effect.provide(Layer.mergeAll(MemoryBroker.layer, files, config)))
  })
})

describe("planned maintenance", () => {
  it.effect("begins and ends to the millisecond, also across restarts", () =>
    Effect.gen(function*() {
      const first = yield* start("monitor-1")
      yield* first.add(ask({ kind: "maintenance", from: 100_003, until: 200_007 }))
      assert.deepStrictEqual(yield* out(first), [])
      yield* TestClock.adjust(100_002)
      assert.deepStrictEqual(yield* out(first), [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* out(first), ["Lagoon"])
      yield* first.stop
      const second = yield* start("monitor-1")
      // In force from the first moment.
      assert.deepStrictEqual(yield* out(second), ["Lagoon"])
      yield* TestClock.adjust(100_003)
      assert.deepStrictEqual(yield* out(second), ["Lagoon"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* out(second), [])
      yield* second.stop
      assert.deepStrictEqual(yield* out(yield* start("monitor-1")), [])
    }).pipe(Effect.provide(world)))

  it.effect("is followed as it comes, and tells who listens", () =>
    Effect.gen(function*() {
      const node = yield* start("monitor-1")
      const events = yield* node.subscribe
      const happened = yield* Effect.forkChild(Stream.runCollect(Stream.take(events, 5)))
      const seen: Array<number> = []
      yield* Effect.forkScoped(
        Stream.runForEach(node.changes, (active) => Effect.sync(() => void seen.push(active.size))),
        { startImmediately: true }
      )
      yield* node.add(ask({ kind: "maintenance", from: 1_000, until: 2_000 }))
      yield* node.add(ask({ member: "harbour" }))
      yield* TestClock.adjust("1 second")
      yield* TestClock.adjust("1 second")
      yield* node.end({ ...back, member: "harbour" })
      const changes = yield* Fiber.join(happened)
      assert.deepStrictEqual(changes.map(({ change, override }) => `${override.member} ${change}`), [
        "Lagoon given",
        "Harbour Networks began",
        "Lagoon began",
        "Lagoon ended",
        "Harbour Networks ended"
      ])
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(seen, [0, 1, 2, 1, 0])
    }).pipe(Effect.provide(world)))

  it.effect("can be called off before it begins", () =>
    Effect.gen(function*() {
      const node = yield* start("monitor-1")
      yield* node.add(ask({ kind: "maintenance", from: 60_000 }))
      assert.lengthOf(yield* node.end({ ...back, kind: "maintenance" }), 1)
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* out(node), [])
    }).pipe(Effect.provide(world)))
})

describe("the file", () => {
  it.effect("that is broken is set aside with a word; what can be read of it holds", () =>
    Effect.gen(function*() {
      const first = yield* start("monitor-1")
      yield* first.add(ask())
      yield* first.stop
      const files = yield* DurableFiles
      const good = yield* file
      yield* files.write(overridesFile, good.replace("\n]", ',\n{"ID":"half"}\n]'))
      const second = yield* start("monitor-1")
      assert.deepStrictEqual(yield* out(second), ["Lagoon"])
      assert.deepStrictEqual(yield* second.conditions, ["overrides:file"])
      yield* second.stop
      yield* files.write(overridesFile, "{ no file")
      const third = yield* start("monitor-1")
      assert.deepStrictEqual(yield* out(third), [])
      assert.deepStrictEqual(yield* third.conditions, ["overrides:file"])
      assert.deepStrictEqual(yield* files.read(brokenOverridesFile), Option.some("{ no file"))
    }).pipe(Effect.provide(world)))

  it.effect("keeps what other nodes told, soon and over a restart", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const first = yield* start("monitor-1")
      yield* other.say({ Overrides: [toOverrideRecord(override({ member: "Nobody We Know" }))] })
      assert.deepStrictEqual(yield* out(first), ["Nobody We Know"])
      assert.include(yield* file, "Nobody We Know")
      yield* first.stop
      assert.deepStrictEqual(yield* out(yield* start("monitor-1")), ["Nobody We Know"])
    }).pipe(Effect.provide(world)))
})

describe("on the bus", () => {
  it.effect("who has another set is told ours, and asked for its own; who has the same is left alone", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("monitor-1")
      // It says at its start what it has: nothing.
      assert.deepStrictEqual(other.heard.map(({ Overrides }) => Overrides), [[]])
      const empty = other.heard[0]!.Digest!
      yield* node.add(ask())
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(other.heard.at(-1)!.Overrides.map(({ Member }) => Member), ["Lagoon"])
      yield* TestClock.adjust("3 seconds")
      const told = other.heard.at(-1)!
      assert.deepStrictEqual(told.Overrides, [])
      assert.notStrictEqual(told.Digest, empty)
      const before = other.heard.length
      yield* other.say({ Overrides: [], Digest: told.Digest! })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(other.heard.length, before)
      yield* other.say({ Overrides: [], Digest: empty })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(other.heard.slice(before).map(({ Digest, Overrides }) => [Digest, Overrides.length]), [
        [told.Digest, 1]
      ])
    }).pipe(Effect.provide(world)))

  it.effect("another node that tells the same set saves us telling it", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("monitor-1")
      yield* node.add(ask())
      yield* TestClock.adjust("10 seconds")
      const { Digest } = other.heard.at(-1)!
      const before = other.heard.length
      yield* other.say({ Overrides: [], Digest: "another" })
      yield* other.say({ Overrides: (yield* node.list).map(toOverrideRecord), Digest: Digest! })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(other.heard.length, before)
    }).pipe(Effect.provide(world)))

  it.effect("somebody who claims another set again and again is answered at most every few seconds", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("monitor-1")
      yield* node.add(ask())
      yield* TestClock.adjust("10 seconds")
      const before = other.heard.length
      for (let i = 0; i < 300; i++) {
        yield* other.say({ Overrides: [], Digest: `claim ${i}` })
        yield* TestClock.adjust("100 millis")
      }
      assert.isAtMost(other.heard.length - before, 8)
      assert.isAtLeast(other.heard.length - before, 4)
    }).pipe(Effect.provide(world)))

  it.effect("a flood fills the table to its bound, is reported, and pushes out nothing that holds", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("monitor-1")
      yield* node.add(ask())
      for (let page = 0; page < 8; page++) {
        yield* other.say({
          Overrides: Array.from(
            { length: 250 },
            (_, i) =>
              toOverrideRecord(override({ id: `${page} ${i}`, member: `flood ${page} ${i}`, at: 1, from: 1_000_000 }))
          )
        })
      }
      assert.lengthOf(yield* node.list, maxOverrides)
      assert.deepStrictEqual(yield* out(node), ["Lagoon"])
      assert.deepStrictEqual(yield* node.conditions, ["overrides:full"])
      assert.include(yield* refusal(node.add(ask({ member: "harbour" }))), `there are ${maxOverrides} overrides`)
      assert.lengthOf(yield* node.end(back), 1)
      yield* node.add(ask({ member: "harbour" }))
      assert.deepStrictEqual(yield* out(node), ["Harbour Networks"])
    }).pipe(Effect.provide(world)))

  it.effect("who only listens hears what holds within a minute or so", () =>
    Effect.gen(function*() {
      const node = yield* start("monitor-1")
      yield* node.add(ask())
      yield* node.add(ask({ member: "harbour", kind: "maintenance", from: 3_600_000 }))
      yield* TestClock.adjust("1 minute")
      const { heard } = yield* stranger
      yield* TestClock.adjust("66 seconds")
      assert.sameMembers([...new Set(heard.flatMap(({ Overrides }) => Overrides.map(({ Member }) => Member)))], [
        "Lagoon",
        "Harbour Networks"
      ])
    }).pipe(Effect.provide(world)))

  it.effect("garbage changes nothing", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("monitor-1")
      yield* node.add(ask())
      const bad = { ...toOverrideRecord(override({ id: "bad" })), At: "yesterday" }
      for (
        const text of ["", "{", "[]", '{"NodeID":"x","Overrides":7}', JSON.stringify({ NodeID: "x", Overrides: [bad] })]
      ) {
        yield* other.raw(text)
      }
      assert.lengthOf(yield* node.list, 1)
      yield* other.say({ Overrides: [toOverrideRecord(override({ id: "good", member: "Harbour Networks" }))] })
      assert.sameMembers([...yield* out(node)], ["Lagoon", "Harbour Networks"])
    }).pipe(Effect.provide(world)))
})

describe("layerNone", () => {
  it.effect("has nobody out, and says that it takes nobody out", () =>
    Effect.gen(function*() {
      const none = yield* Overrides
      assert.strictEqual((yield* none.active).size, 0)
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(none.changes, 1)), [new Map()])
      assert.include(yield* refusal(none.add(ask())), "keeps no overrides")
    }).pipe(Effect.provide(Overrides.layerNone)))
})
