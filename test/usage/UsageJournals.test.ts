import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { UsageStore } from "../../src/store/UsageStore.ts"
import { Usage, UsageJournals } from "../../src/usage/index.ts"
import { hit } from "./collecting.ts"

const root = mkdtempSync(join(tmpdir(), "geodns-journals-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const newFolder = () => mkdtempSync(join(root, "x-"))

const parts = [NodeIdentity.layerMemory({ id: "dns-1", role: "IBPDns" }), Conditions.layer] as const

/** One process over a folder. */
const run = <A, E>(folder: string, effect: Effect.Effect<A, E, Usage | UsageJournals | UsageStore | Conditions>) =>
  effect.pipe(
    Effect.provide(Layer.fresh(
      Usage.layerStoring.pipe(
        Layer.provideMerge(UsageStore.layerMemory),
        Layer.provideMerge([AppendFiles.layer(folder), ...parts])
      )
    ))
  )
const counting = (folder: string, names: number) =>
  run(
    folder,
    Effect.gen(function*() {
      const usage = yield* Usage
      for (let i = 0; i < names; i++) usage.record(hit(`${i}.example`))
      yield* usage.flush
    })
  )
const sum = Effect.map(Usage.use((usage) => usage.totals), (totals) => totals.reduce((all, { hits }) => all + hits, 0))

describe("UsageJournals over real files", () => {
  it.effect("calls a journal stored when all of it is, and reads it under that name too", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      yield* counting(folder, 3)
      assert.lengthOf(readdirSync(folder).filter((name) => /^usage-1970-01-01-[0-9a-f]{16}\.journal$/.test(name)), 1)
      yield* run(folder, Usage.use((usage) => usage.flush))
      assert.lengthOf(readdirSync(folder).filter((name) => name.endsWith(".journal")), 0)
      assert.lengthOf(readdirSync(folder).filter((name) => name.endsWith(".stored")), 1)
      assert.strictEqual(yield* run(folder, sum), 3)
      // Listed before it was stored, read after.
      yield* run(
        folder,
        Effect.gen(function*() {
          const journals = yield* UsageJournals
          const [journal] = yield* journals.list()
          assert.strictEqual((yield* journals.table({ ...journal!, stored: false })).rows, 3)
        })
      )
    }))

  it.effect("starts over torn, damaged and foreign files, and counts what is whole", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      yield* Effect.scoped(Effect.gen(function*() {
        // A process that is not asked to stop.
        const context = yield* Layer.build(
          Layer.fresh(Usage.layer.pipe(Layer.provide([AppendFiles.layer(folder), ...parts])))
        )
        yield* Effect.gen(function*() {
          const usage = yield* Usage
          for (let i = 0; i < 3; i++) {
            usage.record(hit("a.example"))
            yield* usage.flush
          }
        }).pipe(Effect.provideContext(context))
      }))
      const [name = ""] = readdirSync(folder).filter((name) => name.endsWith(".journal"))
      const path = join(folder, name)
      const bytes = readFileSync(path)
      truncateSync(path, bytes.length - 1)
      writeFileSync(join(folder, name.replace("1970-01-01", "1970-01-02")), "no journal at all\n\0\0\0")
      writeFileSync(join(folder, "usage-1970-01-01-nothing.journal"), bytes)
      writeFileSync(join(folder, "notes.txt"), "mine")
      assert.strictEqual(yield* run(folder, sum), 2)
      assert.include(readdirSync(folder), "notes.txt")
    }))

  it.effect("tidies up what dead processes left, and nothing of one that lives", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      yield* counting(folder, 1)
      yield* counting(folder, 1)
      const [one = "", two = ""] = readdirSync(folder).filter((name) => /\.(journal|stored)$/.test(name)).sort()
      const isLock = (name: string) => name.endsWith(".lock")
      assert.lengthOf(readdirSync(folder).filter(isLock), 2)
      writeFileSync(join(folder, `${one.replace("stored", "journal")}.next`), "half")
      writeFileSync(join(folder, "usage-0123456789abcdef.lock"), "")
      yield* run(
        folder,
        Effect.gen(function*() {
          const usage = yield* Usage
          usage.record(hit())
          yield* usage.flush
          const names = readdirSync(folder)
          assert.lengthOf(names.filter((name) => name.endsWith(".next")), 0)
          assert.notInclude(names, "usage-0123456789abcdef.lock")
          assert.lengthOf(names.filter(isLock), 3)
          yield* TestClock.setTime(Date.parse("1970-02-06T00:00:01Z"))
          usage.record(hit())
          yield* usage.flush
          // Of this process, and those of 1 January are over after 35 days.
          assert.notInclude(readdirSync(folder), one)
          assert.notInclude(readdirSync(folder), two)
        })
      )
      yield* run(folder, Usage.use((usage) => usage.flush))
      assert.isAtMost(readdirSync(folder).filter(isLock).length, 2)
    }))

  it.effect("keeps what is not stored as long as somebody is to store it", () =>
    Effect.gen(function*() {
      const journals = yield* UsageJournals
      journals.record(hit())
      yield* journals.sync
      yield* TestClock.setTime(Date.parse("1970-02-10T00:00:00Z"))
      yield* journals.sync
      yield* journals.prune({ unstored: false })
      assert.lengthOf(yield* journals.list(), 1)
      yield* journals.prune({ unstored: true })
      assert.lengthOf(yield* journals.list(), 0)
    }).pipe(Effect.provide(UsageJournals.layer.pipe(Layer.provide([AppendFiles.layerMemory, ...parts])))))

  it.effect("writes within a second, without anybody asking", () =>
    Effect.gen(function*() {
      const files = yield* AppendFiles
      const journals = yield* UsageJournals
      const size = Effect.flatMap(files.list, (names) =>
        Effect.map(
          Effect.forEach(
            names.filter((name) => name.endsWith(".journal")),
            (name) => Stream.runCount(files.read(name))
          ),
          (counts) => counts.reduce((all, count) => all + count, 0)
        ))
      journals.record(hit())
      assert.strictEqual(yield* size, 0)
      yield* TestClock.adjust("600 millis")
      const written = yield* size
      assert.isAbove(written, 1)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* size, written)
      journals.record(hit())
      yield* TestClock.adjust("600 millis")
      assert.strictEqual(yield* size, written + 1)
    }).pipe(Effect.provide(UsageJournals.layer.pipe(Layer.provideMerge([AppendFiles.layerMemory, ...parts])))))
})
