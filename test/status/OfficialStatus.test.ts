import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Stream } from "effect"
import { TestClock } from "effect/testing"
import { targetKey } from "../../src/domain/Target.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { brokenOfficialFile, officialFile, OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { decision, target, targetNamed } from "./fixtures.ts"
import { FlakyFiles } from "./flaky.ts"

/** One life of the service over these files. */
const live = <A>(
  files: FlakyFiles,
  effect: Effect.Effect<A, never, OfficialStatus | Conditions>
): Effect.Effect<A> =>
  effect.pipe(
    Effect.provide(OfficialStatus.layer.pipe(Layer.provide(files.layer), Layer.provideMerge(Conditions.layerMemory))),
    Effect.provide(Logger.layer([]))
  )

const apply = (options: Parameters<typeof decision>[0] = {}) =>
  OfficialStatus.use((official) => official.apply(decision(options)))
const members = OfficialStatus.use((official) =>
  Effect.map(official.all, (all) => [...all.values()].map((one) => one.target.member))
)
const conditions = Conditions.use((conditions) => conditions.current)
const names = Effect.map(conditions, (all) => all.map(({ name }) => name))

describe("OfficialStatus", () => {
  it.effect("takes decisions, and gives what is official", () =>
    Effect.gen(function*() {
      const official = yield* OfficialStatus
      const down = decision()
      assert.isUndefined(yield* official.get(target))
      assert.deepStrictEqual(yield* official.apply(down), { before: undefined, after: down })
      assert.isUndefined(yield* official.apply(down))
      assert.deepStrictEqual(yield* official.get({ ...target }), down)
      assert.deepStrictEqual([...yield* official.all], [[targetKey(target), down]])
    }).pipe(Effect.provide(OfficialStatus.layerMemory)))

  it.effect("gives a snapshot that does not change under its reader", () =>
    Effect.gen(function*() {
      const official = yield* OfficialStatus
      const before = yield* official.all
      yield* official.apply(decision())
      assert.strictEqual(before.size, 0)
    }).pipe(Effect.provide(OfficialStatus.layerMemory)))

  it.effect("tells subscribers every change from the moment they subscribed", () =>
    Effect.gen(function*() {
      const official = yield* OfficialStatus
      yield* official.apply(decision({ id: "a", decidedAt: 1 }))
      const changes = yield* official.subscribe
      for (let i = 2; i < 502; i++) yield* official.apply(decision({ id: `p${i}`, decidedAt: i, up: i % 2 === 0 }))
      const seen = yield* changes.pipe(Stream.take(500), Stream.runCollect)
      assert.deepStrictEqual(seen.map(({ after }) => after.decidedAt), Array.from({ length: 500 }, (_, i) => i + 2))
      assert.isTrue(seen.every(({ before, after }) => before!.decidedAt === after.decidedAt - 1))
    }).pipe(Effect.provide(OfficialStatus.layerMemory)))

  it.effect("never waits for a subscriber that hangs, and says so when it merges what waits for it", () =>
    live(
      new FlakyFiles(),
      Effect.gen(function*() {
        const official = yield* OfficialStatus
        const hanging = yield* official.subscribe
        for (let i = 0; i <= 131_072; i++) {
          yield* official.apply(decision({ id: `${i}`, decidedAt: i, up: i % 2 === 0 }))
        }
        assert.deepStrictEqual(yield* names, ["official:subscriber"])
        yield* hanging.pipe(Stream.take(1), Stream.runDrain)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* names, [])
      }).pipe(Effect.scoped)
    ))

  it.effect("survives a restart, also what is needed to order decisions", () =>
    Effect.gen(function*() {
      const files = new FlakyFiles()
      yield* live(files, Effect.andThen(apply({ decidedAt: 10 }), apply({ id: "p2", decidedAt: 30 })))
      yield* live(
        files,
        Effect.gen(function*() {
          const official = yield* OfficialStatus
          assert.deepStrictEqual(yield* official.get(target), decision({ decidedAt: 10 }))
          assert.isUndefined(yield* apply({ id: "late", decidedAt: 20, up: true }))
          assert.isDefined(yield* apply({ id: "p3", decidedAt: 31, up: true }))
          assert.deepStrictEqual(yield* names, [])
        })
      )
    }))

  it.effect("writes at most every second, only when there is something to write, and at the end", () =>
    Effect.gen(function*() {
      const files = new FlakyFiles()
      yield* live(
        files,
        Effect.gen(function*() {
          yield* TestClock.adjust("10 seconds")
          assert.strictEqual(files.writes, 0)
          for (let i = 0; i < 50; i++) yield* apply({ target: targetNamed(`m${i}`), decidedAt: 10_000 })
          assert.strictEqual(files.writes, 0)
          yield* TestClock.adjust("1 second")
          assert.strictEqual(files.writes, 1)
          assert.strictEqual(JSON.parse(files.contents.get(officialFile)!).targets.length, 50)
          yield* TestClock.adjust("10 seconds")
          assert.strictEqual(files.writes, 1)
          yield* apply({ target: targetNamed("last"), decidedAt: 20_000 })
        })
      )
      assert.strictEqual(files.writes, 2)
      assert.strictEqual((yield* live(files, members)).length, 51)
    }))

  it.effect("keeps what no JSON can hold out of the file, not the status", () =>
    Effect.gen(function*() {
      const files = new FlakyFiles()
      yield* live(files, apply({ data: { big: 1n } }))
      assert.deepStrictEqual(yield* live(files, members), ["Lagoon"])
    }))

  it.effect("sets a broken file aside, says so, and goes on", () =>
    Effect.gen(function*() {
      for (const content of ["", '{"version":1,"targets":[{', "null", '{"version":2,"targets":[]}']) {
        const files = new FlakyFiles()
        files.contents.set(officialFile, content)
        yield* live(
          files,
          Effect.gen(function*() {
            assert.deepStrictEqual(yield* names, ["official:file"])
            assert.isDefined(yield* apply())
          })
        )
        assert.strictEqual(files.contents.get(brokenOfficialFile), content)
        assert.deepStrictEqual(yield* live(files, members), ["Lagoon"])
      }
    }))

  it.effect("uses the entries of a file that can be read", () =>
    Effect.gen(function*() {
      const files = new FlakyFiles()
      yield* live(files, Effect.andThen(apply(), apply({ target: targetNamed("b") })))
      const file = JSON.parse(files.contents.get(officialFile)!)
      files.contents.set(officialFile, JSON.stringify({ ...file, targets: [file.targets[0], { up: "yes" }, 7] }))
      assert.deepStrictEqual(yield* live(files, members), ["Lagoon"])
      const [condition] = yield* live(files, conditions)
      assert.include(condition!.detail, "2 of 3 targets")
    }))

  it.effect("runs without its file when that cannot be read", () =>
    Effect.gen(function*() {
      const files = new FlakyFiles()
      files.failReads = true
      assert.deepStrictEqual(yield* live(files, Effect.andThen(apply(), names)), ["official:file"])
    }))

  it.effect("tries again when the file cannot be written, and says so until it can", () =>
    Effect.gen(function*() {
      const files = new FlakyFiles()
      files.failWrites = true
      yield* live(
        files,
        Effect.gen(function*() {
          yield* apply()
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(yield* names, ["official:write"])
          files.failWrites = false
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(yield* names, [])
        })
      )
      assert.deepStrictEqual(yield* live(files, members), ["Lagoon"])
    }))

  it.effect("forgets targets that are no longer configured, on disk too", () =>
    Effect.gen(function*() {
      const files = new FlakyFiles()
      yield* live(
        files,
        Effect.gen(function*() {
          yield* apply()
          yield* apply({ target: targetNamed("b") })
          yield* OfficialStatus.use((official) => official.retain((t) => t.member === "b"))
          assert.deepStrictEqual(yield* members, ["b"])
        })
      )
      assert.deepStrictEqual(yield* live(files, members), ["b"])
    }))
})
