import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Logger, Option, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import * as Messages from "../../src/bus/Messages.ts"
import { Config } from "../../src/config/Config.ts"
import { setDocuments } from "../../src/config/memoryConfig.ts"
import type { Override } from "../../src/domain/Override.ts"
import type { NodeRole } from "../../src/domain/wire/Cluster.ts"
import { type OverrideMessage, toOverrideRecord } from "../../src/domain/wire/Override.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFileError, DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { brokenOverridesFile, overridesFile } from "../../src/status/OverrideFile.ts"
import { overrideLimits } from "../../src/status/overrideListener.ts"
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
const start = Effect.fnUntraced(function*(id: string, role: NodeRole = "IBPMonitor") {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const layer = Overrides.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(
      NodeIdentity.layerMemory({ id, role }),
      Bus.layerMemory({ name: id }),
      Conditions.layerMemory
    ))
  )
  const parts = yield* Scope.provide(Layer.build(Layer.fresh(layer)), scope)
  yield* TestClock.adjust(0)
  return {
    ...Context.get(parts, Overrides),
    conditions: Effect.map(Context.get(parts, Conditions).current, (all) => all.map(({ name }) => name).sort()),
    detail: (of: string) =>
      Effect.map(Context.get(parts, Conditions).current, (all) => all.find(({ name }) => name === of)?.detail ?? ""),
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
  // A digest alone is what it always was: a message without overrides.
  yield* Messages.receive(
    Subject.OverrideDigest,
    (message) => Effect.sync(() => void heard.push({ ...message, Overrides: [] }))
  ).pipe(Effect.provideService(Bus, bus))
  return {
    heard,
    say: (message: Omit<OverrideMessage, "NodeID">, NodeID = "stranger") =>
      Messages.send(Subject.Override, { NodeID, ...message }).pipe(
        Effect.provideService(Bus, bus),
        Effect.andThen(TestClock.adjust(0))
      ),
    digest: (Digest: string) =>
      Messages.send(Subject.OverrideDigest, { NodeID: "stranger", Digest }).pipe(
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
      yield* other.digest(told.Digest!)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(other.heard.length, before)
      yield* other.digest(empty)
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
      yield* other.digest("another")
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
        yield* i % 2 === 0 ? other.digest(`claim ${i}`) : other.say({ Overrides: [], Digest: `claim ${i}` })
        yield* TestClock.adjust("100 millis")
      }
      assert.isAtMost(other.heard.length - before, 8)
      assert.isAtLeast(other.heard.length - before, 4)
    }).pipe(Effect.provide(world)))

  /** So many messages of forged overrides, each of 100. */
  const forge = (messages: number, over: (i: number) => Partial<Override>) =>
    Array.from({ length: messages }, (_, page) =>
      Array.from({ length: 100 }, (_, i) => {
        const n = page * 100 + i
        return toOverrideRecord(override({ id: `forged ${n}`, at: 1, from: 1_000_000_000, ...over(n) }))
      }))

  it.effect("forged ones for members that nobody knows leave all the room to others", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("monitor-1")
      yield* node.add(ask())
      for (const Overrides of forge(10, (i) => ({ member: `forged ${i}`, from: 1, node: `node ${i}` }))) {
        yield* other.say({ Overrides })
      }
      yield* TestClock.adjust("1 second")
      assert.lengthOf(yield* node.list, 1 + overrideLimits.strangers)
      assert.strictEqual((yield* out(node)).length, 1 + overrideLimits.strangers)
      yield* other.say({ Overrides: [toOverrideRecord(override({ id: "real", member: "Harbour Networks" }))] }, "dns-1")
      yield* TestClock.adjust("1 second")
      assert.include(yield* out(node), "Harbour Networks")
      assert.deepStrictEqual(yield* node.conditions, ["overrides:flood", "overrides:member", "overrides:names"])
    }).pipe(Effect.provide(world)))

  it.effect("a flood for members that nobody knows, under many names, takes nothing from those that count", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("monitor-1")
      for (
        const [i, Overrides] of forge(60, (i) => ({ member: `forged ${i}`, from: 1, node: `node ${i}` })).entries()
      ) {
        yield* other.say({ Overrides }, `sender ${i}`)
      }
      yield* TestClock.adjust("1 second")
      assert.include(yield* node.conditions, "overrides:flood")
      yield* other.say({ Overrides: [toOverrideRecord(override({ id: "real", member: "Harbour Networks" }))] }, "dns-1")
      yield* TestClock.adjust("1 second")
      assert.include(yield* out(node), "Harbour Networks")
    }).pipe(Effect.provide(world)))

  it.effect("what is given now is heard while all tell each other what they have of a flood", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("monitor-1")
      const ended = (i: number) => ({ member: "Lagoon", node: `n ${i}`, ended: { at: 2 + i, by: "x", reason: "" } })
      for (const [i, Overrides] of forge(60, ended).entries()) {
        yield* other.say({ Overrides }, `sender ${i}`)
        yield* TestClock.adjust("100 millis")
      }
      assert.include(yield* node.conditions, "overrides:flood")
      const set = forge(1, (i) => ({ ...ended(i), id: `again ${i}` }))[0]!
      yield* other.say({ Overrides: set }, "monitor-2")
      const real = toOverrideRecord(override({ id: "real", member: "Harbour Networks" }))
      yield* other.say({ Overrides: [real] }, "monitor-2")
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* out(node), ["Harbour Networks"])
    }).pipe(Effect.provide(world)))

  it.effect("forged ones for a member are bounded by giver and in all, reported, and push out nothing", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("monitor-1")
      yield* node.add(ask())
      const { capacity, perNode, reserved } = overrideLimits
      for (const Overrides of forge(5, () => ({ member: "Lagoon", node: "forger" }))) yield* other.say({ Overrides })
      assert.lengthOf(yield* node.list, 1 + perNode)
      assert.deepStrictEqual(yield* node.conditions, ["overrides:full"])
      for (const Overrides of forge(10, (i) => ({ id: `more ${i}`, member: "Lagoon", node: `forger ${i % 50}` }))) {
        yield* other.say({ Overrides }, "another")
      }
      assert.lengthOf(yield* node.list, capacity - reserved)
      assert.deepStrictEqual(yield* out(node), ["Lagoon"])
      yield* node.add(ask({ member: "harbour" }))
      assert.sameMembers([...yield* out(node)], ["Lagoon", "Harbour Networks"])
      assert.isAbove((yield* node.end(back)).length, 800, "an operator ends them all at once")
      assert.deepStrictEqual(yield* out(node), ["Harbour Networks"])
    }).pipe(Effect.provide(world)))

  it.effect("a flood of new ones is taken no faster than a bound, logged a line a batch, and over when it is over", () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ message }) => void lines.push(message))
    return Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("monitor-1")
      yield* TestClock.adjust("1 second")
      let events = 0
      yield* Stream.runForEach(yield* node.subscribe, () => Effect.sync(() => void events++)).pipe(Effect.forkScoped)
      lines.length = 0
      const ended = (i: number) => ({
        member: "Lagoon",
        from: 1,
        node: `n ${i}`,
        ended: { at: 2 + i, by: "x", reason: "" }
      })
      for (
        const [i, Overrides] of forge(40, (i) => ({ ...ended(i), ...i % 2 === 0 && { ended: undefined } })).entries()
      ) {
        yield* other.say({ Overrides }, `sender ${i}`)
        yield* TestClock.adjust("250 millis")
      }
      assert.include(yield* node.conditions, "overrides:flood")
      assert.isAtMost(events, 2_100)
      assert.isAtMost(lines.length, 30, lines.join("\n"))
      yield* TestClock.adjust("2 minutes")
      assert.notInclude(yield* node.conditions, "overrides:flood")
      assert.deepStrictEqual(yield* out(node), ["Lagoon"])
      yield* other.say(
        { Overrides: [toOverrideRecord(override({ id: "later", member: "Harbour Networks" }))] },
        "dns-1"
      )
      assert.sameMembers([...yield* out(node)], ["Lagoon", "Harbour Networks"])
    }).pipe(Effect.provide([world, Logger.layer([logger])]))
  })

  it.effect("one message that takes everybody out is a condition that names who it is said to be from", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("monitor-1")
      const forged = ["Lagoon", "Harbour Networks"].map((member) =>
        toOverrideRecord(override({ id: member, member, author: "nobody", node: "dns-zz" }))
      )
      yield* other.say({ Overrides: forged })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* node.conditions, ["overrides:names"])
      const detail = yield* node.detail("overrides:names")
      assert.include(detail, "all members of rpc.example are out by hand (Lagoon, Harbour Networks)")
      assert.include(detail, "given by nobody at dns-zz")
      yield* node.end(back)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* node.conditions, [])
    }).pipe(Effect.provide(world)))

  it.effect("a DNS node without a management key asks for what it lacks, and tells nobody what it heard", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("dns-1", "IBPDns")
      const empty = other.heard[0]!.Digest!
      yield* other.say({ Overrides: [toOverrideRecord(override())] })
      yield* other.digest("another")
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* out(node), ["Lagoon"])
      assert.isTrue(other.heard.every(({ Overrides }) => Overrides.length === 0))
      assert.notStrictEqual(other.heard.at(-1)!.Digest, empty)
      yield* setDocuments({ local: { MgmtApi: { AuthKeys: { operator: "a key of an operator" } } } })
      yield* Config.use((config) => config.reload)
      yield* TestClock.adjust("66 seconds")
      assert.isTrue(other.heard.some(({ Overrides }) => Overrides.length === 1))
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
      yield* TestClock.adjust("1 second")
      assert.sameMembers([...yield* out(node)], ["Lagoon", "Harbour Networks"])
    }).pipe(Effect.provide(world)))
})

describe("in shadow mode", () => {
  it.effect("nothing is given or ended, and what others give is heard", () =>
    Effect.gen(function*() {
      const other = yield* stranger
      const node = yield* start("shadow")
      const words = "this node is in shadow mode and takes part in nothing: nobody would hear of it; ask another node"
      assert.strictEqual(yield* refusal(node.add(ask())), words)
      yield* other.say({ Overrides: [toOverrideRecord(override())] })
      assert.deepStrictEqual(yield* out(node), ["Lagoon"])
      assert.strictEqual(yield* refusal(node.end(back)), words)
      assert.deepStrictEqual(yield* out(node), ["Lagoon"])
      assert.lengthOf(yield* node.list, 1)
    }).pipe(Effect.provide(Layer.mergeAll(
      MemoryBroker.layer,
      DurableFiles.layerMemory,
      Config.layerMemory({
        members,
        services: servicesOf({ Main: {} }),
        local: { GeoDNS: { Consensus: { Shadow: true } } }
      })
    ))))
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
