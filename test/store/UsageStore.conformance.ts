import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, type Layer, Stream } from "effect"
import fc from "fast-check"
import {
  type StoreError,
  type UsageQuery,
  type UsageRow,
  UsageStore,
  type UsageTotal,
  usageWidths
} from "../../src/store/index.ts"
import { usage } from "./samples.ts"

/** What every implementation of `UsageStore` must do. `layer` gives a new and empty one each time. */
export const usageStoreConformance = (
  name: string,
  layer: Layer.Layer<UsageStore, StoreError>,
  numRuns = 30
): void => {
  const find = (query: UsageQuery = {}) => Effect.flatMap(UsageStore, (store) => Stream.runCollect(store.find(query)))
  const hits = (query: UsageQuery = {}) => Effect.map(find(query), (found) => found.map((it) => it.hits))
  const total = ({ writer: _, ...rest }: UsageRow) => rest

  const check = (title: string, body: Effect.Effect<void, unknown, UsageStore>) =>
    it.live(title, () => Effect.provide(body, layer))

  describe(`UsageStore ${name}`, () => {
    check(
      "gives back totals, without the writer",
      Effect.gen(function*() {
        const store = yield* UsageStore
        yield* store.upsert([])
        yield* store.upsert([usage(7)])
        assert.deepStrictEqual(yield* find(), [total(usage(7))])
      })
    )

    check(
      "growing totals of one writer are not added up, also where parts of the key are empty",
      Effect.gen(function*() {
        const store = yield* UsageStore
        const empty = { asn: "", network: "", country: "??", countryName: "Unknown", member: "(none)" }
        for (const value of [10, 25, 60]) yield* store.upsert([usage(value, empty)])
        assert.deepStrictEqual(yield* hits(), [60])
      })
    )

    check(
      "the greatest stays, across calls and inside of one",
      Effect.gen(function*() {
        const store = yield* UsageStore
        yield* store.upsert([usage(5), usage(9), usage(7)])
        yield* store.upsert([usage(3)])
        assert.deepStrictEqual(yield* hits(), [9])
        yield* store.upsert([usage(0, { domain: "zero.example" })])
        assert.deepStrictEqual(yield* hits({ domain: "zero.example" }), [0])
      })
    )

    check(
      "sums over the writers of a node, and not over nodes",
      Effect.gen(function*() {
        const store = yield* UsageStore
        yield* store.upsert([
          usage(1, { node: "a", writer: "x" }),
          usage(20, { node: "a", writer: "y" }),
          usage(300, { node: "a", writer: "" }),
          usage(4000, { node: "a~b", writer: "x" }),
          usage(50_000, { node: "a~x", writer: "" }),
          usage(600_000, { node: "a!", writer: "x" }),
          usage(7_000_000, { node: "ab", writer: "x" })
        ])
        assert.deepStrictEqual((yield* find()).map((it) => [it.node, it.hits]), [
          ["a", 321],
          ["a!", 600_000],
          ["ab", 7_000_000],
          ["a~b", 4000],
          ["a~x", 50_000]
        ])
        assert.deepStrictEqual(yield* hits({ node: "a" }), [321])
        assert.deepStrictEqual(yield* hits({ node: "a~b" }), [4000])
        assert.deepStrictEqual(yield* hits({ node: "A" }), [])
      })
    )

    check(
      "names in another case are other names",
      Effect.gen(function*() {
        const store = yield* UsageStore
        yield* store.upsert([
          usage(5, { network: "Example Net" }),
          usage(7, { network: "EXAMPLE NET" }),
          usage(9, { network: "Exämple Net" })
        ])
        assert.deepStrictEqual(yield* hits(), [7, 5, 9])
      })
    )

    check(
      "finds by day, both ends inclusive, domain, member and country, all conditions together",
      Effect.gen(function*() {
        const store = yield* UsageStore
        yield* store.upsert([
          usage(1, { day: "2026-02-28" }),
          usage(2, { day: "2026-03-01" }),
          usage(3, { day: "2026-03-02", domain: "other.example" }),
          usage(4, { day: "2026-03-02", member: "(none)" }),
          usage(5, { day: "2026-03-03", country: "FR" })
        ])
        assert.deepStrictEqual(yield* hits({ from: "2026-03-01", to: "2026-03-02" }), [2, 3, 4])
        assert.deepStrictEqual(yield* hits({ from: "2026-03-03" }), [5])
        assert.deepStrictEqual(yield* hits({ to: "2026-02-28" }), [1])
        assert.deepStrictEqual(yield* hits({ domain: "other.example" }), [3])
        assert.deepStrictEqual(yield* hits({ member: "(none)", from: "2026-03-01" }), [4])
        assert.deepStrictEqual(yield* hits({ country: "FR", to: "2026-03-02" }), [])
      })
    )

    check(
      "finds by ASN",
      Effect.gen(function*() {
        const store = yield* UsageStore
        yield* store.upsert([usage(1, { asn: "AS1" }), usage(2, { asn: "AS2" }), usage(3, { asn: "" })])
        assert.deepStrictEqual(yield* hits({ asn: "AS2" }), [2])
        assert.deepStrictEqual(yield* hits({ asn: "" }), [3])
      })
    )

    check(
      "names with spaces at their end are the names without, in every database",
      Effect.gen(function*() {
        const store = yield* UsageStore
        yield* store.upsert([
          usage(5, { network: "Net" }),
          usage(9, { network: "Net  " }),
          usage(7, { network: "Net!" })
        ])
        assert.deepStrictEqual((yield* find()).map((it) => [it.network, it.hits]), [["Net", 9], ["Net!", 7]])
      })
    )

    check(
      "keeps keys that take all of their columns apart, and totals beyond 32 bits",
      Effect.gen(function*() {
        const store = yield* UsageStore
        const full = {
          domain: "d".repeat(usageWidths.domain - 1),
          member: "m".repeat(usageWidths.member),
          asn: "9".repeat(usageWidths.asn),
          network: "日".repeat(usageWidths.network),
          countryName: "c".repeat(usageWidths.countryName)
        }
        yield* store.upsert([
          usage(2 ** 40, { ...full, domain: `${full.domain}a` }),
          usage(2 ** 41, { ...full, domain: `${full.domain}b` })
        ])
        assert.deepStrictEqual(yield* hits(), [2 ** 40, 2 ** 41])
      })
    )

    check(
      "two that send the same keys at once, in other orders, both succeed",
      Effect.gen(function*() {
        const store = yield* UsageStore
        const keys = Array.from({ length: 1200 }, (_, i) => i)
        const rows = (hits: number) => keys.map((i) => usage(hits + i, { network: `n${i}` }))
        yield* Effect.all([
          store.upsert(rows(1)),
          store.upsert(rows(9).toReversed()),
          store.upsert(rows(5)),
          store.upsert(rows(7).toReversed())
        ], { concurrency: "unbounded" })
        assert.strictEqual((yield* hits()).reduce((a, b) => a + b), keys.reduce((a, b) => a + b) + 9 * keys.length)
      })
    )

    check(
      "takes awkward names",
      Effect.gen(function*() {
        const store = yield* UsageStore
        const names = [`it's "quoted" \\ ''; DROP TABLE requests; --`, "🛰️ 日本", "%_*", "｡", "(none)"]
        yield* store.upsert(names.map((member, i) => usage(i, { member })))
        for (const [i, member] of names.entries()) assert.deepStrictEqual(yield* hits({ member }), [i])
        assert.deepStrictEqual(
          (yield* find()).map((it) => it.member),
          [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        )
      })
    )

    check(
      "sets a bad row aside, and stores the others",
      Effect.gen(function*() {
        const store = yield* UsageStore
        yield* store.upsert([
          usage(1, { domain: "first.example" }),
          usage(2, { day: "yesterday" }),
          usage(3, { network: "x".repeat(usageWidths.network + 1) }),
          usage(3, { network: "a\0b" }),
          usage(3, { member: "a\ud800" }),
          usage(3, { writer: "a~b" }),
          usage(-1),
          usage(1.5),
          usage(NaN),
          usage(2 ** 53),
          usage(4, { domain: "last.example", network: "x".repeat(usageWidths.network) })
        ])
        assert.deepStrictEqual((yield* find()).map((it) => it.domain), ["first.example", "last.example"])
      })
    )

    check(
      "stores many at once and streams them in order, also where a page ends between two writers",
      Effect.gen(function*() {
        const store = yield* UsageStore
        const keys = Array.from({ length: 701 }, (_, i) => `net ${String(i).padStart(4, "0")}`)
        const rows = keys.flatMap((network, i) =>
          ["w1", "w2", "w3"].map((writer, w) => usage(i * 10 + w, { network, writer }))
        )
        yield* store.upsert(rows.toReversed())
        assert.deepStrictEqual(
          (yield* find()).map((it) => [it.network, it.hits]),
          keys.map((network, i) => [network, i * 30 + 3])
        )
      })
    )

    check(
      "reads page by page without leaving out or doubling a key, whatever part of it the page ends at",
      Effect.gen(function*() {
        const store = yield* UsageStore
        const either = (i: number, bit: number, a: string, b: string) => (i >> bit) % 2 === 0 ? a : b
        const rows = Array.from({ length: 2_048 }, (_, i) =>
          usage(i + 1, {
            day: either(i, 0, "2026-03-01", "2026-03-02"),
            domain: either(i, 1, "a.example", "b.example"),
            member: either(i, 2, "(none)", "A"),
            asn: either(i, 3, "", "AS1"),
            network: either(i, 4, "n", "N 2"),
            country: either(i, 5, "??", "DE"),
            countryName: either(i, 6, "Germany", "Unknown"),
            ipv6: (i >> 7) % 2 === 0,
            node: `n${i >> 8}`
          }))
        yield* store.upsert(rows)
        const found = yield* find()
        const key = ({ hits: _, node, ...it }: UsageTotal) => JSON.stringify({ ...it, node })
        assert.strictEqual(new Set(found.map(key)).size, rows.length)
        assert.sameMembers(found.map((it) => it.hits), rows.map((it) => it.hits))
        const some = yield* find({ from: "2026-03-02", member: "A", node: "n3" })
        assert.lengthOf(some, 64)
        assert.lengthOf(yield* find({ country: "DE" }), 1_024)
      })
    )

    it.live("readers that are slow, however many, hold nobody up", () =>
      Effect.gen(function*() {
        const store = yield* UsageStore
        yield* store.upsert(Array.from({ length: 1_200 }, (_, i) => usage(1, { network: `n${i}` })))
        const reading = yield* Effect.forEach(Array.from({ length: 12 }), () =>
          Effect.gen(function*() {
            const first = yield* Deferred.make<void>()
            yield* Effect.forkScoped(
              Stream.runForEach(store.find({}), () => Effect.andThen(Deferred.succeed(first, undefined), Effect.never))
            )
            return first
          }))
        yield* Effect.forEach(reading, (first) => Deferred.await(first), { concurrency: "unbounded" })
        yield* store.upsert([usage(2, { network: "n0" })])
        assert.lengthOf(yield* find(), 1_200)
      }).pipe(Effect.scoped, Effect.timeout("10 seconds"), Effect.provide(layer)), 120_000)

    it("stores the same whatever is sent again, in any order and in any pieces", () => {
      const row = fc.record({
        hits: fc.integer({ min: 0, max: 50 }),
        network: fc.constantFrom("a", "A", "", "ä"),
        writer: fc.constantFrom("w1", "w2"),
        node: fc.constantFrom("n1", "n2")
      }).map(({ hits, ...over }) => usage(hits, over))
      const sent = fc.array(row, { maxLength: 25 }).chain((rows) =>
        fc.tuple(
          fc.constant(rows),
          fc.shuffledSubarray([...rows, ...rows], { minLength: rows.length * 2 }),
          fc.integer({ min: 1, max: 10 })
        )
      )
      const stored = (batches: ReadonlyArray<ReadonlyArray<UsageRow>>) =>
        Effect.gen(function*() {
          const store = yield* UsageStore
          for (const batch of batches) yield* store.upsert(batch)
          return yield* find()
        }).pipe(Effect.provide(layer), Effect.runPromise)
      return fc.assert(
        fc.asyncProperty(sent, async ([rows, again, size]) => {
          const pieces = Array.from(
            { length: Math.ceil(again.length / size) },
            (_, i) => again.slice(i * size, i * size + size)
          )
          assert.deepStrictEqual(await stored(pieces), await stored([rows]))
        }),
        { numRuns }
      )
    }, 120_000)
  })
}
