import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { CertificateFile, certificateJournal } from "../../../src/consensus/sealed/CertificateFile.ts"
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
})
