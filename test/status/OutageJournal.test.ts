import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Logger, Option, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFileError } from "../../src/node/DurableFiles.ts"
import { MemoryDisk } from "../../src/node/MemoryDisk.ts"
import { type JournalRoom, journalRoom, OutageJournal } from "../../src/status/OutageJournal.ts"
import { brokenOutageJournal, maxBroken, outageJournal } from "../../src/status/readOutageJournal.ts"
import { decided, type Transition, transitionRecord } from "../../src/status/Transition.ts"
import { measured } from "./collating.ts"
import { decision, target, targetNamed } from "./fixtures.ts"

const root = mkdtempSync(join(tmpdir(), "geodns-outages-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const down = (id: string, member = "Lagoon", data: unknown = null) =>
  decided(decision({ id, target: targetNamed(member), data }))
const up = (id: string, member = "Lagoon") => decided(decision({ id, target: targetNamed(member), up: true }))
const idOf = (transition: Transition) => transition._tag === "Decided" ? transition.status.id : "gone"

/** One process with a journal. */
const open = Effect.fnUntraced(function*(room: JournalRoom = journalRoom) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const parts = yield* Scope.provide(
    Layer.build(Layer.fresh(OutageJournal.layerWith(room).pipe(Layer.provideMerge(Conditions.layer)))),
    scope
  )
  const journal = Context.get(parts, OutageJournal)
  return {
    ...journal,
    /** Takes away the first, and gives its id. */
    next: Effect.flatMap(journal.first, (first) => Effect.as(journal.done(first), idOf(first.transition))),
    restoredIds: Effect.map(journal.restored, (all) => all.map(({ transition }) => idOf(transition))),
    conditions: Effect.map(Context.get(parts, Conditions).current, (all) => all.map(({ name }) => name)),
    stop: Scope.close(scope, Exit.void)
  }
})
/** What the next process would find. */
const onDisk = Effect.scoped(Effect.flatMap(open(), ({ restoredIds }) => restoredIds))
const drained = (journal: Effect.Success<ReturnType<typeof open>>) =>
  Effect.gen(function*() {
    const ids: Array<string> = []
    while (journal.size() > 0) ids.push(yield* journal.next)
    return ids
  })

/** With files in a directory of their own. */
const withFolder = <A, E>(test: (path: string) => Effect.Effect<A, E, AppendFiles | Scope.Scope>) =>
  Effect.suspend(() => {
    const folder = mkdtempSync(join(root, "x-"))
    return Effect.scoped(test(join(folder, outageJournal))).pipe(
      Effect.provide([AppendFiles.layer(folder), Logger.layer([])])
    )
  })
const withDisk = <A, E>(test: Effect.Effect<A, E, AppendFiles | MemoryDisk | Scope.Scope>) =>
  Effect.scoped(test).pipe(
    Effect.provide([AppendFiles.layerDisk.pipe(Layer.provideMerge(MemoryDisk.layer)), Logger.layer([])])
  )

describe("OutageJournal", () => {
  it.live("gives transitions back in order, to the next process too, without those that are done", () =>
    withFolder(() =>
      Effect.gen(function*() {
        const first = yield* open()
        assert.deepStrictEqual(yield* first.restoredIds, [])
        assert.isTrue(Option.isNone(yield* Effect.timeoutOption(first.first, "10 millis")))
        yield* first.add([down("d1"), up("u1")])
        yield* first.add([down("other", "Harbour"), down("d2"), { _tag: "Gone", target, at: 9 }])
        assert.strictEqual(yield* first.next, "d1")
        assert.deepStrictEqual(yield* onDisk, ["u1", "other", "d2", "gone"])

        const second = yield* open()
        assert.strictEqual(yield* second.next, "u1")
        yield* second.add([down("d3")])
        assert.deepStrictEqual(yield* onDisk, ["other", "d2", "gone", "d3"])
        assert.deepStrictEqual((yield* second.restored).map(({ transition }) => transition)[2], {
          _tag: "Gone",
          target,
          at: 9
        })
        assert.deepStrictEqual(yield* drained(second), ["other", "d2", "gone", "d3"])
        assert.deepStrictEqual(yield* onDisk, [])

        // Numbers of an empty file begin anew: what was done before must not swallow them.
        const third = yield* open()
        yield* third.add([down("d4")])
        assert.deepStrictEqual(yield* onDisk, ["d4"])
      })
    ))

  it.live("knows what ends an outage, and who will be down, and takes nothing that says the same again", () =>
    withFolder(() =>
      Effect.gen(function*() {
        const journal = yield* open()
        yield* journal.add([down("d1"), down("again"), down("other", "Harbour")])
        const first = yield* journal.first
        assert.isUndefined(journal.endOf(first))
        assert.sameMembers(journal.downTargets().map(({ member }) => member), ["Lagoon", "Harbour"])
        yield* journal.add([up("u1"), up("again"), { _tag: "Gone", target, at: 5 }])
        assert.deepStrictEqual(journal.endOf(first), up("u1"))
        assert.deepStrictEqual(journal.downTargets().map(({ member }) => member), ["Harbour"])
        assert.deepStrictEqual(yield* onDisk, ["d1", "other", "u1"])
      })
    ))

  it.live("reads what a torn end, damage and records of another version leave", () =>
    withFolder((path) =>
      Effect.gen(function*() {
        const journal = yield* open()
        yield* journal.add([down("a", "a"), down("b", "b"), down("c", "c")])
        yield* journal.add([down("d", "d"), down("torn", "e")])
        yield* journal.stop
        truncateSync(path, statSync(path).size - 3)
        const bytes = readFileSync(path)
        bytes[bytes.indexOf('"b"') + 1]! ^= 0x01
        writeFileSync(path, bytes)
        assert.deepStrictEqual(yield* onDisk, ["a", "c", "d"])
        // Behind the torn end the next process goes on, and puts the file right.
        const next = yield* open()
        assert.deepStrictEqual(yield* next.conditions, [])
        yield* next.add([down("f", "f")])
        assert.deepStrictEqual(yield* onDisk, ["a", "c", "d", "f"])
        yield* next.stop
        yield* Effect.scoped(Effect.flatMap(
          AppendFiles.use((files) => files.open(outageJournal)),
          (file) => file.append(['{"n":99,"unheard":1}'])
        ))
        const last = yield* open()
        assert.deepStrictEqual(yield* last.restoredIds, ["a", "c", "d", "f"])
        assert.deepStrictEqual(yield* last.conditions, ["outages:file"])
        appendFileSync(path, Buffer.alloc(100_000))
        assert.deepStrictEqual(yield* onDisk, ["a", "c", "d", "f"])
      })
    ))

  it.live("sets a file aside that cannot be read, says so, and goes on", () =>
    withFolder((path) =>
      Effect.gen(function*() {
        mkdirSync(path)
        const journal = yield* open()
        assert.deepStrictEqual(yield* journal.conditions, ["outages:file"])
        yield* journal.add([down("d")])
        assert.deepStrictEqual(yield* journal.conditions, ["outages:file"])
        assert.deepStrictEqual(yield* onDisk, ["d"])
        assert.isTrue(existsSync(join(path, "..", brokenOutageJournal)))
      })
    ))

  it.effect("sets each file that cannot be read aside under a name of its own, as long as there are few", () =>
    withDisk(Effect.gen(function*() {
      const { files } = yield* MemoryDisk
      const unreadable = {
        ...files,
        read: (file: string) =>
          Stream.fail(new DurableFileError({ operation: "read", file, message: "an I/O error", cause: "EIO" }))
      }
      const ids = (name: string) => Effect.map(Stream.runCollect(files.read(name)), (all) => all.join())
      const process = (i: number) =>
        Effect.gen(function*() {
          const journal = yield* open()
          yield* journal.add([down(`d${i}`)])
          yield* journal.stop
        })
      yield* process(0)
      for (let i = 1; i <= maxBroken; i++) yield* Effect.provideService(process(i), AppendFiles, unreadable)
      const names = ["", ".2", ".3", ".4", ".5"].map((i) => `outages.broken${i}.journal`)
      assert.deepStrictEqual(yield* files.list, [...names.toSorted(), outageJournal].toSorted())
      for (const [i, name] of names.entries()) assert.include(yield* ids(name), `"d${i}"`)
      // Then the last one is replaced, also when nobody can say which are there.
      yield* Effect.provideService(process(6), AppendFiles, unreadable)
      assert.include(yield* ids(names[4]!), `"d5"`)
      yield* Effect.provideService(process(7), AppendFiles, {
        ...unreadable,
        list: Effect.fail(new DurableFileError({ operation: "read", file: ".", message: "an I/O error", cause: "EIO" }))
      })
      assert.include(yield* ids(names[4]!), `"d6"`)
      for (const [i, name] of names.slice(0, 4).entries()) assert.include(yield* ids(name), `"d${i}"`)
    })))

  it.effect("makes a new file last before it takes the place of the old one", () =>
    withDisk(Effect.gen(function*() {
      const disk = yield* MemoryDisk
      const first = yield* open()
      yield* first.add([down("d1")])
      yield* first.stop
      // The power is cut in the very moment in which the new file has its name.
      const cut = {
        ...disk.files,
        rename: (from: string, to: string) => Effect.andThen(disk.files.rename(from, to), disk.crash({ power: true }))
      }
      const second = yield* Effect.provideService(open(), AppendFiles, cut)
      yield* second.add([up("u1")])
      assert.deepStrictEqual(yield* onDisk, ["d1", "u1"])
    })))

  it.effect("leaves out a record with an old number, and goes on behind the last", () =>
    withDisk(Effect.gen(function*() {
      const file = yield* AppendFiles.use((files) => files.open(outageJournal))
      // As a write leaves it that failed and was tried again.
      yield* file.append([5, 6, 5].map((number) => transitionRecord(number, number === 5 ? down("d1") : up("u1"))))
      const journal = yield* open()
      assert.deepStrictEqual(yield* journal.restoredIds, ["d1", "u1"])
      yield* journal.add([down("d2")])
      assert.strictEqual(journal.newest(), 7)
      assert.deepStrictEqual(yield* drained(journal), ["d1", "u1", "d2"])
    })))

  it.effect("gives what is from before the start only as long as it waits", () =>
    withDisk(Effect.gen(function*() {
      const first = yield* open()
      yield* first.add([down("d1"), up("u1")])
      yield* first.stop
      const journal = yield* open()
      yield* journal.add([down("d2")])
      assert.deepStrictEqual(yield* journal.restoredIds, ["d1", "u1"])
      yield* journal.next
      assert.deepStrictEqual(yield* journal.restoredIds, ["u1"])
      yield* drained(journal)
      assert.deepStrictEqual(yield* journal.restoredIds, [])
    })))

  it.live("stays as short as what waits, and a compaction keeps order and content", () =>
    withFolder((path) =>
      Effect.gen(function*() {
        const journal = yield* open()
        const one = (i: number) => down(`d${i}`, `m${i}`, { i, text: "x".repeat(5_000) })
        for (let i = 0; i < 50; i++) yield* journal.add([one(i)])
        let longest = 0
        for (let i = 0; i < 600; i++) {
          yield* journal.add([one(50 + i)])
          assert.strictEqual(yield* journal.next, `d${i}`)
          longest = Math.max(longest, statSync(path).size)
        }
        // 3 MB were written, and 50 of 5 kB wait.
        assert.isBelow(longest, 1024 * 1024 + 3 * 50 * 5_500)
        const next = yield* open()
        assert.deepStrictEqual(
          (yield* next.restored).map(({ transition }) => transition),
          Array.from({ length: 50 }, (_, i) => one(600 + i))
        )
      })
    ))

  it.effect("keeps what waits in memory while the disk is full, says so, and writes it when there is room", () =>
    withDisk(Effect.gen(function*() {
      const disk = yield* MemoryDisk
      const journal = yield* open()
      yield* journal.add([down("d1")])
      yield* disk.setFull(true)
      yield* journal.add([up("u1"), down("d2")])
      assert.deepStrictEqual(yield* journal.conditions, ["outages:journal"])
      assert.deepStrictEqual(yield* onDisk, ["d1"])
      assert.strictEqual(yield* journal.next, "d1")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* journal.conditions, ["outages:journal"])
      yield* journal.add([up("u2")])
      yield* disk.setFull(false)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* journal.conditions, [])
      assert.deepStrictEqual(yield* onDisk, ["u1", "d2", "u2"])
      assert.deepStrictEqual(yield* AppendFiles.use((files) => files.list), [outageJournal])
      assert.deepStrictEqual(yield* drained(journal), ["u1", "d2", "u2"])
      assert.deepStrictEqual(yield* onDisk, [])
    })))

  it.effect("starts on a full disk", () =>
    withDisk(Effect.gen(function*() {
      const disk = yield* MemoryDisk
      yield* disk.setFull(true)
      const journal = yield* open()
      yield* journal.add([down("d1")])
      assert.deepStrictEqual(yield* journal.conditions, ["outages:journal"])
      yield* disk.setFull(false)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* onDisk, ["d1"])
    })))

  it.effect("survives a power cut with all that was taken; what was done may come back, in order", () =>
    withDisk(Effect.gen(function*() {
      const disk = yield* MemoryDisk
      const journal = yield* open()
      yield* journal.add([down("d1"), up("u1")])
      yield* journal.add([down("d2")])
      yield* disk.crash({ power: true })
      assert.deepStrictEqual(yield* onDisk, ["d1", "u1", "d2"])
      const next = yield* open()
      yield* next.next
      yield* next.add([up("u2")])
      yield* next.next
      yield* disk.crash({ power: true })
      assert.deepStrictEqual(yield* onDisk, ["u1", "d2", "u2"])
    })))

  for (
    const [what, room] of [
      ["number", { size: 100, bytes: 1_000_000 }],
      ["bytes", { size: 1_000_000, bytes: 33_000 }]
    ] as const
  ) {
    it.effect(`is bounded by ${what}: gives up the oldest that are over, loudly, and not again after a restart`, () =>
      withDisk(Effect.gen(function*() {
        const lost = measured("geodns_outages_given_up_total")
        const before = yield* lost
        const journal = yield* open(room)
        yield* journal.add([down("first", "first"), down("stays", "stays")])
        for (let i = 0; i < 100; i++) yield* journal.add([down(`d${i}`), up(`u${i}`)])
        assert.deepStrictEqual(yield* journal.conditions, ["outages:full"])
        assert.isAtMost(journal.size(), 100)
        assert.isAtLeast(journal.size(), 70)
        const ids = yield* onDisk
        // From the front, whole outages, and nothing else.
        const given = 100 - (ids.length - 2) / 2
        const rest = Array.from({ length: 100 - given }, (_, i) => [`d${given + i}`, `u${given + i}`]).flat()
        assert.deepStrictEqual(ids, ["first", "stays", ...rest])
        assert.strictEqual((yield* lost) - before, given)
        assert.deepStrictEqual(yield* drained(journal), ids)
        assert.deepStrictEqual(yield* journal.conditions, [])
      })))
  }
})
