import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import fc from "fast-check"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { MemoryDisk } from "../../src/node/MemoryDisk.ts"
import { JournalReader } from "../../src/usage/journalRecords.ts"
import { type JournalWriter, makeJournalWriter } from "../../src/usage/JournalWriter.ts"
import { UsageCounter } from "../../src/usage/UsageCounter.ts"
import type { UsageTable } from "../../src/usage/UsageTable.ts"
import { hit } from "./collecting.ts"

const folder = mkdtempSync(join(tmpdir(), "geodns-journal-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const day = "2026-03-01"
const writer = "0123456789abcdef"
const file = `usage-${day}-${writer}.journal`

const newWriter = Effect.gen(function*() {
  const counter = new UsageCounter(writer)
  const count = (names: ReadonlyArray<number>) => {
    for (const name of names) counter.record(hit(`${name}.example`), day)
  }
  count([0])
  const journal = yield* Effect.acquireRelease(
    makeJournalWriter("dns-1", counter.today!),
    (journal) => journal.close
  )
  return { journal, count, table: counter.today!.table }
})

const readBack = Effect.gen(function*() {
  const files = yield* AppendFiles
  const reader = new JournalReader(day, writer)
  yield* Stream.runForEach(files.read(file), (record) => Effect.sync(() => reader.push(record)))
  return reader
})

const totals = (table: UsageTable, hits: (row: number) => number) =>
  Array.from({ length: table.rows }, (_, row) => [table.key(row).domain, hits(row), table.isWaiting(row)] as const)
/** What the journal has is what the table in memory says that it has. */
const sameAs = (table: UsageTable, reader: JournalReader) => {
  assert.strictEqual(reader.lost, 0)
  assert.deepStrictEqual(
    totals(reader.table, (row) => reader.table.safeHits(row)).filter(([, hits]) => hits > 0),
    totals(table, (row) => table.written(row)).filter(([, hits]) => hits > 0)
  )
}
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

describe("JournalWriter", () => {
  it.effect(
    "writes what is counted while it writes, and while it rewrites, so that it can be read",
    () =>
      Effect.gen(function*() {
        const { count, journal, table } = yield* newWriter
        let next = 1
        const counting = (times: number) =>
          Effect.gen(function*() {
            for (let i = 0; i < times; i++) {
              count(numbers(next, 700))
              next += 600
              yield* Effect.yieldNow
              if (i % 5 === 0) yield* Effect.promise(() => new Promise((done) => setImmediate(done)))
            }
          })
        for (let round = 0; round < 3; round++) {
          const busy = yield* Effect.forkChild(counting(30), { startImmediately: true })
          yield* journal.write
          yield* journal.write
          const rewriting = yield* Effect.forkChild(journal.rewrite, { startImmediately: true })
          yield* journal.write
          yield* journal.acknowledge(table.generation)
          yield* Fiber.join(busy)
          yield* journal.write
          yield* Fiber.join(rewriting)
          yield* journal.write
          yield* journal.sync
          sameAs(table, yield* readBack)
        }
        assert.isAbove(table.rows, 50_000)
      }).pipe(Effect.scoped, Effect.provide(AppendFiles.layer(folder))),
    120_000
  )

  it.effect("a rewrite keeps every total and what waits, and makes the journal short", () =>
    Effect.gen(function*() {
      const { count, journal, table } = yield* newWriter
      for (let i = 0; i < 300; i++) {
        count(numbers(0, 100))
        yield* journal.write
        if (i === 200) yield* journal.acknowledge(table.generation)
      }
      count(numbers(0, 10))
      yield* journal.write
      yield* journal.acknowledge(table.generation)
      count(numbers(90, 20))
      yield* journal.write
      const before = yield* readBack
      const files = yield* AppendFiles
      const records = Stream.runCount(files.read(file))
      assert.isAbove(yield* records, 300)
      yield* journal.rewrite
      sameAs(table, yield* readBack)
      sameAs(table, before)
      assert.isBelow(yield* records, 15)
      assert.deepStrictEqual(yield* files.list, [file])
      assert.strictEqual(totals(table, () => 1).filter(([, , waits]) => waits).length, 20)
    }).pipe(Effect.scoped, Effect.provide(AppendFiles.layerMemory)))

  it.effect("what is acknowledged while a rewrite is under way does not wait in the new journal", () =>
    Effect.gen(function*() {
      const { count, journal, table } = yield* newWriter
      count(numbers(1, 60_000))
      yield* journal.write
      count(numbers(1, 9_000))
      const writing = yield* Effect.forkChild(journal.write, { startImmediately: true })
      while (table.written(1) < 2) yield* Effect.yieldNow
      const rewriting = yield* Effect.forkChild(journal.rewrite, { startImmediately: true })
      yield* Fiber.join(writing)
      yield* journal.acknowledge(table.generation)
      count([1])
      yield* journal.write
      assert.isUndefined(rewriting.pollUnsafe())
      yield* Fiber.join(rewriting)
      assert.lengthOf(totals(table, () => 0).filter(([, , waits]) => waits), 1)
      sameAs(table, yield* readBack)
    }).pipe(Effect.scoped, Effect.provide(AppendFiles.layerMemory)))

  it.effect("what is acknowledged while a write is under way does not cover what that write brings", () =>
    Effect.gen(function*() {
      const { count, journal, table } = yield* newWriter
      yield* journal.write
      count(numbers(1, 9_000))
      const writing = yield* Effect.forkChild(journal.write, { startImmediately: true })
      while (table.written(1) === 0) yield* Effect.yieldNow
      assert.strictEqual(table.written(8_999), 0)
      const { generation } = table
      yield* Fiber.join(writing)
      yield* journal.acknowledge(generation)
      const waiting = totals(table, () => 0).filter(([, , waits]) => waits)
      assert.lengthOf(waiting, 9_000)
      sameAs(table, yield* readBack)
    }).pipe(Effect.scoped, Effect.provide(AppendFiles.layerMemory)))

  it("whatever happens, the journal has what the writer says that it has", () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.array(fc.nat(20), { maxLength: 10 }).map((names) => ({ _tag: "count" as const, names }))
      },
      { weight: 3, arbitrary: fc.constant({ _tag: "write" as const }) },
      fc.constant({ _tag: "sync" as const }),
      fc.constant({ _tag: "rewrite" as const }),
      fc.constant({ _tag: "acknowledge" as const }),
      fc.boolean().map((full) => ({ _tag: "full" as const, full }))
    )
    return fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) =>
        Effect.gen(function*() {
          const disk = yield* MemoryDisk
          const { count, journal, table } = yield* newWriter
          const run: Record<string, (it: JournalWriter) => Effect.Effect<void, unknown>> = {
            write: (it) => it.write,
            sync: (it) => it.sync,
            rewrite: (it) => it.rewrite,
            acknowledge: (it) => it.acknowledge(table.generation)
          }
          for (const it of steps) {
            if (it._tag === "count") count(it.names)
            else if (it._tag === "full") yield* disk.setFull(it.full)
            else yield* Effect.ignore(run[it._tag]!(journal))
            sameAs(table, yield* readBack)
          }
          yield* disk.setFull(false)
          yield* journal.write
          const last = yield* readBack
          sameAs(table, last)
          assert.deepStrictEqual(
            totals(table, (row) => table.hits(row)).map(([, hits]) => hits),
            totals(table, (row) => table.written(row)).map(([, hits]) => hits)
          )
        }).pipe(
          Effect.scoped,
          Effect.provide(AppendFiles.layerDisk.pipe(Layer.provideMerge(MemoryDisk.layer))),
          Effect.runPromise
        ))
    )
  })
})

describe("JournalReader", () => {
  const journal = Effect.gen(function*() {
    const { count, journal } = yield* newWriter
    for (let i = 0; i < 5; i++) {
      count(numbers(i * 10, 30))
      yield* journal.write
    }
    return yield* Stream.runCollect((yield* AppendFiles).read(file))
  }).pipe(Effect.scoped, Effect.provide(AppendFiles.layerMemory))

  it("a record that is missing costs what was in it, and no total is given to another key", () => {
    const records = Effect.runSync(journal)
    const whole = new JournalReader(day, writer)
    for (const record of records) whole.push(record)
    const hits = new Map(totals(whole.table, (row) => whole.table.hits(row)).map(([domain, hits]) => [domain, hits]))
    for (let missing = 0; missing < records.length; missing++) {
      const reader = new JournalReader(day, writer)
      records.forEach((record, i) => i === missing || reader.push(record))
      for (const [domain, count] of totals(reader.table, (row) => reader.table.hits(row))) {
        assert.isAtMost(count, hits.get(domain) ?? 0)
      }
    }
  })

  it("takes whatever is in a record", () => {
    const reader = new JournalReader(day, writer)
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.jsonValue().map((value) => JSON.stringify(value))), (text) => {
        reader.push(text)
      })
    )
    for (
      const value of [{ t0: 1e9, t: ["a"] }, { r0: 0, r: [9, 9, 9, 9, 9, 9] }, { g: 1, c: [5, 1] }, { r0: 1e15, r: [] }]
    ) {
      reader.push(JSON.stringify(value))
    }
    assert.strictEqual(reader.table.rows, 0)
    assert.isAtLeast(reader.lost, 4)
  })
})
