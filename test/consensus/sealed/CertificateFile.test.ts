import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { CertificateFile, certificateJournal } from "../../../src/consensus/sealed/CertificateFile.ts"
import { registerLimits } from "../../../src/consensus/sealed/Registers.ts"
import { AppendFiles } from "../../../src/node/AppendFiles.ts"
import { Conditions } from "../../../src/node/Conditions.ts"
import { MemoryDisk } from "../../../src/node/MemoryDisk.ts"
import { certificate, target } from "./fixtures.ts"

const start = (disk: Context.Context<MemoryDisk>) =>
  Layer.build(Layer.fresh(
    CertificateFile.layer.pipe(
      Layer.provideMerge(Layer.merge(AppendFiles.layerDisk, Conditions.layerMemory)),
      Layer.provide(Layer.succeedContext(disk))
    )
  ))

const newDisk = Layer.build(Layer.fresh(MemoryDisk.layer))

const other = { ...target, member: "Other" }

describe("CertificateFile", () => {
  it.effect("keeps the newest of each target, over a restart", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      yield* Effect.scoped(Effect.gen(function*() {
        const file = Context.get(yield* start(disk), CertificateFile)
        for (const seq of [1, 2, 3]) yield* file.add(certificate({ seq }))
        yield* file.add(certificate({ target: other, seq: 2 }))
        // A register never falls.
        yield* file.add(certificate({ seq: 2 }))
        assert.strictEqual(file.get(target)?.seq, 3)
      }))
      const again = Context.get(yield* start(disk), CertificateFile)
      assert.deepStrictEqual(again.all(), [certificate({ seq: 3 }), certificate({ target: other, seq: 2 })])
    }))

  it.effect("is rewritten when most of it is old", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const services = yield* start(disk)
      const file = Context.get(services, CertificateFile)
      const files = Context.get(services, AppendFiles)
      for (let seq = 1; seq <= 4_000; seq++) yield* file.add(certificate({ seq }))
      const probe = yield* Effect.scoped(Effect.map(files.open(certificateJournal), (open) => open.size()))
      assert.isBelow(probe, 1.2 * 1024 * 1024)
      const again = Context.get(yield* start(disk), CertificateFile)
      assert.strictEqual(again.get(target)?.seq, 4_000)
    }))

  it.effect("goes on in memory while the disk is full, says so, and writes all of it when there is room", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const services = yield* start(disk)
      const file = Context.get(services, CertificateFile)
      const conditions = Effect.map(Context.get(services, Conditions).current, (all) => all.map(({ name }) => name))
      yield* file.add(certificate({ seq: 1 }))
      yield* Context.get(disk, MemoryDisk).setFull(true)
      yield* file.add(certificate({ seq: 2 }))
      assert.strictEqual(file.get(target)?.seq, 2)
      assert.deepStrictEqual(yield* conditions, ["consensus:certificates"])
      yield* file.add(certificate({ target: other, seq: 1 }))
      yield* Context.get(disk, MemoryDisk).setFull(false)
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual(yield* conditions, [])
      const again = Context.get(yield* start(disk), CertificateFile)
      assert.deepStrictEqual(again.all().map(({ seq }) => seq), [2, 1])
    }))

  it.effect(
    "makes room for what the documents have, of what they have no more, the oldest first, also after a restart",
    () =>
      Effect.gen(function*() {
        const disk = yield* newDisk
        const file = Context.get(yield* start(disk), CertificateFile)
        const small = { ...certificate({ seq: 2 }), votes: [] }
        const of = (name: string) => ({ ...small, T: { ...target, member: name } })
        const gone = new Set(Array.from({ length: 10_000 }, (_, i) => `m${i + 100}`))
        const full = Array.from({ length: registerLimits.registers }, (_, i) => of(`m${i}`))
        for (let i = 0; i < full.length; i += 4_096) yield* file.add(...full.slice(i, i + 4_096))
        // All that is there counts until somebody knows better.
        yield* file.add(of("new"))
        assert.isUndefined(file.get(of("new").T))

        yield* file.knownBy(({ member }) => !gone.has(member))
        assert.lengthOf(file.all(), full.length, "what comes back does not begin anew without need")
        yield* file.add(of("new"), { ...of("m100"), seq: 4 })
        const check = (one: CertificateFile["Service"]) => {
          assert.strictEqual(one.get(of("new").T)?.seq, 2)
          const members = new Set(one.all().map(({ T }) => T.member))
          assert.isTrue(full.every(({ T: { member } }) => members.has(member) || gone.has(member)))
          assert.isTrue(members.has("m10099"), "the newest of those that are gone")
          assert.isFalse(members.has("m101"))
          assert.isAtMost(members.size, full.length)
          // The one that is written again has room, too.
          assert.strictEqual(one.get(of("m100").T)?.seq, 4)
        }
        check(file)
        check(Context.get(yield* start(disk), CertificateFile))
      }),
    60_000
  )
})
