import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
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

const day = 86_400_000
/** One process without a store over a folder. */
const collected = <E>(folder: string, effect: Effect.Effect<void, E, UsageJournals | Conditions>) =>
  effect.pipe(Effect.provide(Layer.fresh(
    UsageJournals.layer.pipe(Layer.provideMerge([AppendFiles.layer(folder), ...parts]))
  )))
const anotherDay = Effect.fnUntraced(function*(unstored: boolean) {
  yield* TestClock.setTime((yield* Clock.currentTimeMillis) + day)
  yield* UsageJournals.use((journals) => journals.prune({ unstored }))
})
/** Flushes once a day: nobody may be asleep meanwhile. */
const liveThrough = Effect.fnUntraced(function*(days: number) {
  for (let i = 0; i < days; i++) yield* anotherDay(false)
})

/** A clock that can be wrong: only its wall clock jumps, as the system's does. */
const wrongClock = Effect.gen(function*() {
  const clock = yield* TestClock.make()
  let shift = 0
  const millis = () => clock.currentTimeMillisUnsafe() + shift
  const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(shift) * 1_000_000n
  const wrong: Clock.Clock = {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: clock.monotonicTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }
  return {
    clock,
    wrong,
    setWrong: (by: number) => {
      shift = by
    }
  }
})

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
      const place = (file: string) => file.slice(0, file.indexOf("."))
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
          // The later one is called stored meanwhile.
          const isThere = () =>
            [one, two].map((file) => readdirSync(folder).some((name) => name.startsWith(place(file))))
          yield* liveThrough(35)
          assert.deepStrictEqual(isThere(), [true, true])
          yield* liveThrough(1)
          assert.deepStrictEqual(isThere(), [false, false])
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
      // Nobody counts any more: the day is let go of all the same.
      for (let i = 0; i < 37; i++) yield* anotherDay(false)
      assert.lengthOf(yield* journals.list(), 1)
      yield* journals.prune({ unstored: true })
      assert.lengthOf(yield* journals.list(), 0)
    }).pipe(Effect.provide(UsageJournals.layer.pipe(Layer.provide([AppendFiles.layerMemory, ...parts])))))

  it.effect("removes old journals by how long the node has run, over restarts", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      const isOld = (name: string) => name.startsWith("usage-1970-01-01-") && name.endsWith(".journal")
      yield* collected(
        folder,
        Effect.gen(function*() {
          yield* UsageJournals.use((journals) =>
            Effect.andThen(Effect.sync(() => journals.record(hit())), journals.sync)
          )
        })
      )
      for (let start = 0; start < 4; start++) {
        assert.lengthOf(readdirSync(folder).filter(isOld), 1)
        yield* collected(
          folder,
          Effect.gen(function*() {
            for (let i = 0; i < 9; i++) yield* anotherDay(true)
          })
        )
      }
      yield* collected(folder, anotherDay(true))
      assert.lengthOf(readdirSync(folder).filter(isOld), 0)
    }))

  it.effect("removes no journal that it writes, also when the clock stands still for weeks", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      const { clock, setWrong, wrong } = yield* wrongClock
      const noon = Date.parse("2026-06-10T12:00:00Z")
      yield* clock.setTime(noon)
      yield* collected(
        folder,
        Effect.gen(function*() {
          const journals = yield* UsageJournals
          for (let i = 0; i <= 40; i++) {
            setWrong(-i * day)
            yield* clock.setTime(noon + i * day)
            journals.record(hit())
            yield* journals.prune({ unstored: true })
          }
          yield* journals.sync
        })
      ).pipe(Effect.provideService(Clock.Clock, wrong))
      yield* collected(
        folder,
        Effect.gen(function*() {
          const journals = yield* UsageJournals
          const [journal] = yield* journals.list()
          assert.strictEqual((yield* journals.table(journal!)).safeHits(0), 41)
        })
      )
    }))

  it.effect("removes nothing of another process that lives, however old", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      yield* collected(
        folder,
        Effect.gen(function*() {
          const other = yield* UsageJournals
          other.record(hit())
          yield* other.sync
          const [journal = { day: "", stored: false, writer: "" }] = yield* other.list()
          yield* collected(
            folder,
            Effect.gen(function*() {
              for (let i = 0; i < 40; i++) yield* anotherDay(true)
              assert.deepInclude(yield* UsageJournals.use((journals) => journals.list()), journal)
            })
          )
        })
      )
    }))

  it.effect("no wrong clock removes anything: not one that was set, not one that a process starts with", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      const { clock, setWrong, wrong } = yield* wrongClock
      yield* clock.setTime(Date.parse("2026-06-10T10:00:00Z"))
      const start = (body: Effect.Effect<void, unknown, UsageJournals | Conditions>) =>
        collected(folder, body).pipe(Effect.provideService(Clock.Clock, wrong))
      const count = (hits: number) =>
        UsageJournals.use((journals) =>
          Effect.andThen(Effect.sync(() => Array.from({ length: hits }, () => journals.record(hit()))), journals.sync)
        )
      const prune = UsageJournals.use((journals) => journals.prune({ unstored: true }))
      const files = () => readdirSync(folder).filter((name) => name.endsWith(".journal"))
      const raised = Conditions.use((conditions) => conditions.current).pipe(
        Effect.map((all) => all.map(({ name, detail }) => `${name} ${detail}`))
      )
      yield* start(count(100))
      yield* start(Effect.gen(function*() {
        yield* count(50)
        const before = files()
        assert.lengthOf(before, 2)
        for (const days of [40, -40, 400, 0]) {
          setWrong(days * day)
          yield* prune
          assert.deepStrictEqual(files(), before)
        }
        yield* count(7)
        assert.deepStrictEqual(files(), before)
        assert.deepStrictEqual(yield* raised, [])
      }))
      setWrong(80 * day)
      for (let i = 0; i < 50; i++) yield* start(prune)
      assert.lengthOf(files(), 2)
      yield* start(Effect.gen(function*() {
        yield* prune
        const [it = ""] = yield* raised
        assert.include(it, "usage:journals 2 usage journals are of 2026-06-10, and today is 2026-08-29")
        yield* count(1)
      }))
      setWrong(0)
      yield* start(Effect.gen(function*() {
        yield* prune
        assert.include((yield* raised)[0], "1 usage journals are of 2026-08-29, and today is 2026-06-10")
      }))
      assert.lengthOf(files(), 3)
    }))

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

  /** The journal of a process that is dead, so many times, each under a writer of its own. */
  const copies = Effect.fnUntraced(function*(count: number) {
    const files = yield* AppendFiles
    yield* Effect.gen(function*() {
      const journals = yield* UsageJournals
      journals.record(hit())
      yield* journals.sync
    }).pipe(Effect.provide(Layer.fresh(UsageJournals.layer)))
    const [name = ""] = (yield* files.list).filter((name) => name.endsWith(".journal"))
    const records = yield* Stream.runCollect(files.read(name))
    for (let i = 1; i < count; i++) {
      const copy = name.replace(/[0-9a-f]{16}(?=\.)/, i.toString(16).padStart(16, "0"))
      yield* Effect.scoped(Effect.flatMap(files.open(copy), (it) => it.append(records)))
    }
  })

  it.effect("counts every journal of a node that started again and again, and says that there are many", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-06-10T10:00:00Z"))
      yield* copies(3_000)
      yield* Effect.gen(function*() {
        const journals = yield* UsageJournals
        yield* journals.prune({ unstored: true })
        assert.lengthOf(yield* journals.list(), 3_000)
        const [raised] = yield* Conditions.use((it) => it.current)
        assert.strictEqual(raised?.name, "usage:journals")
        assert.include(raised?.detail, "3000 usage journals")
        assert.deepStrictEqual((yield* Usage.use((it) => it.totals)).map((it) => it.hits), [3_000])
      }).pipe(Effect.provide(Layer.fresh(Usage.layer)))
    }).pipe(Effect.provide([AppendFiles.layerMemory, ...parts])))

  it.effect("holds one table that it has read, and that for a minute", () =>
    Effect.gen(function*() {
      setFlagsFromString("--expose-gc")
      const collectGarbage: () => void = runInNewContext("gc")
      yield* copies(4)
      yield* Effect.gen(function*() {
        const journals = yield* UsageJournals
        const read: Array<WeakRef<object>> = []
        for (const journal of yield* journals.list()) read.push(new WeakRef(yield* journals.table(journal)))
        const held = Effect.promise(async () => {
          // What a WeakRef was made of stays until the turn of the event loop is over.
          await new Promise((done) => setTimeout(done, 10))
          collectGarbage()
          return read.filter((it) => it.deref() !== undefined).length
        })
        assert.strictEqual(yield* held, 1)
        yield* TestClock.adjust("61 seconds")
        assert.strictEqual(yield* held, 0)
      }).pipe(Effect.provide(Layer.fresh(UsageJournals.layer)))
    }).pipe(Effect.provide([AppendFiles.layerMemory, ...parts])))
})
