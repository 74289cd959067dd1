import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Stream } from "effect"
import fc from "fast-check"
import type { Outage } from "../../src/domain/Outage.ts"
import { targetKey } from "../../src/domain/Target.ts"
import { type OutageQuery, OutageStore, type StoreError } from "../../src/store/index.ts"
import { awkward, march, minute, outage, proof, target } from "./samples.ts"

/** What every implementation of `OutageStore` must do. `layer` gives a new and empty one each time. */
export const outageStoreConformance = (
  name: string,
  layer: Layer.Layer<OutageStore, StoreError>,
  numRuns = 30
): void => {
  const find = (query: OutageQuery = {}) => Effect.flatMap(OutageStore, (store) => Stream.runCollect(store.find(query)))
  const ids = (query: OutageQuery = {}) => Effect.map(find(query), (found) => found.map((it) => it.id))

  const check = (title: string, body: Effect.Effect<void, unknown, OutageStore>) =>
    it.live(title, () => Effect.provide(body, layer))

  describe(`OutageStore ${name}`, () => {
    check(
      "gives back what was stored",
      Effect.gen(function*() {
        const store = yield* OutageStore
        yield* store.open(outage("o1"))
        assert.deepStrictEqual(yield* find(), [outage("o1")])
      })
    )

    check(
      "takes ids and members that differ only in spaces at their end for one; targets stay apart",
      Effect.gen(function*() {
        const store = yield* OutageStore
        const members = ["A", "A  ", " A", "a"]
        for (const [i, member] of members.entries()) {
          yield* store.open(outage(`m${i} `, { target: target({ member }) }))
        }
        assert.deepStrictEqual(
          (yield* find()).map((it) => [it.id, it.target.member]),
          members.map((it, i) => [`m${i}`, it])
        )
        assert.deepStrictEqual(yield* ids({ member: "A" }), ["m0", "m1"])
        assert.deepStrictEqual(yield* ids({ member: "A " }), ["m0", "m1"])
        assert.deepStrictEqual(yield* ids({ member: " A" }), ["m2"])
        assert.deepStrictEqual(yield* ids({ target: target({ member: "A  " }) }), ["m1"])
        yield* store.open(outage("m0   ", { target: target({ check: "other" }) }))
        assert.lengthOf(yield* find(), members.length)
        assert.isTrue(yield* store.close("m0  ", march + minute, false, { id: "d ", votes: {} }))
        assert.isFalse(yield* store.close("m0", march + minute, false))
        assert.isFalse(yield* store.close(" m1", march + minute, false))
        assert.lengthOf(yield* store.decisions("m0 "), 2)
        assert.lengthOf(yield* find({ open: true }), members.length - 1)
      })
    )

    check(
      "closing sets the end once, and changes nothing else",
      Effect.gen(function*() {
        const store = yield* OutageStore
        yield* store.open(outage("o1"))
        assert.isTrue(yield* store.close("o1", march + minute, true))
        assert.isFalse(yield* store.close("o1", march + 9 * minute, false))
        assert.isFalse(yield* store.close("nobody", march + minute, false))
        assert.deepStrictEqual(yield* find(), [outage("o1", { end: march + minute, blip: true })])
      })
    )

    check(
      "storing the same id again changes nothing, open or closed",
      Effect.gen(function*() {
        const store = yield* OutageStore
        const other = outage("o1", { start: march + 1, error: "other", votes: {}, data: null })
        yield* store.open(outage("o1"))
        yield* store.open(other)
        assert.deepStrictEqual(yield* find(), [outage("o1")])
        yield* store.close("o1", march + minute, false)
        yield* store.open(other)
        assert.deepStrictEqual(yield* find(), [outage("o1", { end: march + minute })])
      })
    )

    check(
      "a second outage of a target is a second row, and the first keeps its start and error",
      Effect.gen(function*() {
        const store = yield* OutageStore
        const second = outage("o2", { start: march + 5 * minute, error: "timeout", votes: { m4: true } })
        yield* store.open(outage("o1"))
        yield* store.close("o1", march + minute, true)
        yield* store.open(second)
        assert.deepStrictEqual(yield* find(), [outage("o1", { end: march + minute, blip: true }), second])
        assert.deepStrictEqual(yield* find({ open: true }), [second])
      })
    )

    check(
      "at most one outage of a target is open; targets differ in every part",
      Effect.gen(function*() {
        const store = yield* OutageStore
        yield* store.open(outage("o1"))
        const error = yield* Effect.flip(store.open(outage("o2")))
        assert.strictEqual(error.reason._tag, "AlreadyOpen")
        assert.isFalse(error.isRetryable)
        assert.include(error.message, "Potomac Works")
        const others = [
          target({ checkType: "domain" }),
          target({ check: "ssl" }),
          target({ member: "potomac works" }),
          target({ domain: "RPC.example" }),
          target({ endpoint: "" }),
          target({ ipv6: true })
        ]
        for (const [i, other] of others.entries()) yield* store.open(outage(`other${i}`, { target: other }))
        assert.lengthOf(yield* find({ open: true }), 1 + others.length)
        assert.deepStrictEqual(yield* ids({ target: target({ ipv6: true }) }), ["other5"])
      })
    )

    check(
      "an end before the start becomes the start, and an outage that has ended is stored closed",
      Effect.gen(function*() {
        const store = yield* OutageStore
        yield* store.open(outage("o1"))
        assert.isTrue(yield* store.close("o1", march - minute, true))
        yield* store.open(outage("o2"))
        yield* store.open(outage("o3", { end: march + minute, blip: true }))
        yield* store.open(outage("o4", { end: march - minute }))
        assert.deepStrictEqual((yield* find()).map((it) => it.end), [march, undefined, march + minute, march])
        assert.isFalse(yield* store.close("o3", march + 2 * minute, false))
      })
    )

    check(
      "finds what overlaps a period in any way, and not only what starts in it",
      Effect.gen(function*() {
        const store = yield* OutageStore
        const from = march
        const to = march + 60 * minute
        const cases: ReadonlyArray<readonly [id: string, start: number, end: number | undefined, inside: boolean]> = [
          ["before", from - 10 * minute, from - minute, false],
          ["until the beginning", from - 10 * minute, from, false],
          ["into it", from - 10 * minute, from + 1, true],
          ["over all of it", from - minute, to + minute, true],
          ["open since before", from - 20 * minute, undefined, true],
          ["a moment at the beginning", from, from, true],
          ["inside", from + minute, from + 2 * minute, true],
          ["a moment", from + minute, from + minute, true],
          ["out of it", to - 1, to + minute, true],
          ["open inside", from + minute, undefined, true],
          ["from the end on", to, to + minute, false],
          ["open behind", to + minute, undefined, false]
        ]
        for (const [id, start, end] of cases) {
          yield* store.open(outage(id, { target: target({ check: id }), start, end }))
        }
        const inside = cases.filter((it) => it[3]).map((it) => it[0])
        assert.sameMembers(yield* ids({ from, to }), inside)
        assert.sameMembers(yield* ids({ from }), [...inside, "from the end on", "open behind"])
        assert.sameMembers(yield* ids({ to }), [...inside, "before", "until the beginning"])
        assert.lengthOf(yield* ids({ from: -Infinity, to: Infinity }), cases.length)
      })
    )

    check(
      "finds by member and by what is open, all conditions together, in order of the start",
      Effect.gen(function*() {
        const store = yield* OutageStore
        const add = (id: string, member: string, start: number) =>
          store.open(outage(id, { target: target({ member, check: id }), start }))
        yield* add("c", "A", march + 3)
        yield* add("a", "A", march + 1)
        yield* add("b", "B", march + 2)
        yield* add("d", "A", march + 1)
        yield* store.close("a", march + minute, false)
        assert.deepStrictEqual(yield* ids(), ["a", "d", "b", "c"])
        assert.deepStrictEqual(yield* ids({ member: "A" }), ["a", "d", "c"])
        assert.deepStrictEqual(yield* ids({ member: "a" }), [])
        assert.deepStrictEqual(yield* ids({ open: true }), ["d", "b", "c"])
        assert.deepStrictEqual(yield* ids({ open: false }), ["a"])
        assert.deepStrictEqual(yield* ids({ member: "A", open: true, to: march + 2 }), ["d"])
      })
    )

    check(
      "finds by what an id begins with, as it is written",
      Effect.gen(function*() {
        const store = yield* OutageStore
        for (const id of ["seq-1-ab", "seq-1-ac", "seq-10-ab", "Seq-1-ab", "seq%1", "🛰️b"]) {
          yield* store.open(outage(id, { target: target({ check: id }) }))
        }
        assert.sameMembers(yield* ids({ idStart: "seq-1-" }), ["seq-1-ab", "seq-1-ac"])
        assert.deepStrictEqual(yield* ids({ idStart: "seq-1-ab" }), ["seq-1-ab"])
        assert.deepStrictEqual(yield* ids({ idStart: "seq%" }), ["seq%1"])
        assert.deepStrictEqual(yield* ids({ idStart: "🛰️" }), ["🛰️b"])
        assert.deepStrictEqual(yield* ids({ idStart: "eq" }), [])
      })
    )

    check(
      "streams more than a page, in order, and stops when the reader does",
      Effect.gen(function*() {
        const store = yield* OutageStore
        const many = Array.from({ length: 507 }, (_, i) => i)
        // Whole groups begin in the same millisecond, so pages end in the midst of one.
        yield* Effect.forEach(
          many,
          (i) => store.open(outage(`o${i}`, { target: target({ check: `c${i}` }), start: march + Math.floor(i / 7) })),
          {
            discard: true
          }
        )
        assert.deepStrictEqual(yield* ids(), many.map((i) => `o${i}`))
        const first = yield* Stream.runCollect(Stream.take(store.find({}), 3))
        assert.deepStrictEqual(first.map((it) => it.id), ["o0", "o1", "o2"])
        assert.isTrue(yield* store.close("o0", march + minute, false))
      })
    )

    check(
      "takes awkward texts everywhere",
      Effect.gen(function*() {
        const store = yield* OutageStore
        for (const text of awkward) {
          const stored = outage(text, {
            target: target({ check: text, member: text, domain: text, endpoint: text }),
            error: text,
            data: { [text]: [text] },
            votes: { [text]: true }
          })
          yield* store.open(stored)
          assert.deepStrictEqual(yield* find({ member: text }), [{ ...stored, id: text.trimEnd() }])
          assert.isTrue(yield* store.close(text, march + minute, false))
          assert.deepStrictEqual((yield* store.decisions(text)).map((it) => it.votes), [{ [text]: true }])
        }
      })
    )

    check(
      "keeps the identity of a target exactly, even where no column holds the text",
      Effect.gen(function*() {
        const store = yield* OutageStore
        const odd = ["a\0b", "a\0c", "a\ud800", "a\udc00", "a\ufffdb"].map((member) => target({ member }))
        for (const [i, it] of odd.entries()) yield* store.open(outage(`o${i}`, { target: it, error: "x\0y\ud800z" }))
        const found = yield* find()
        assert.deepStrictEqual(found.map((it) => targetKey(it.target)), odd.map(targetKey))
        assert.deepStrictEqual(new Set(found.map((it) => it.error)), new Set(["x\ufffdy\ufffdz"]))
        yield* store.open(outage("id\0", { target: target() }))
        assert.isTrue(yield* store.close("id\0", march + minute, false))
      })
    )

    check(
      "keeps names that are longer than their columns, and refuses an id that is",
      Effect.gen(function*() {
        const store = yield* OutageStore
        const long = (end: string) => "🛰".repeat(900) + end
        const one = target({ member: long("a"), check: long("a"), domain: long("a"), endpoint: long("a") })
        const other = target({ member: long("b"), check: long("a"), domain: long("a"), endpoint: long("a") })
        yield* store.open(outage("o1", { target: one, error: "e".repeat(100_000) }))
        yield* store.open(outage("o2", { target: other }))
        assert.deepStrictEqual(yield* ids({ target: other }), ["o2"])
        assert.deepStrictEqual((yield* find({ target: one }))[0]?.target, one)
        const error = yield* Effect.flip(store.open(outage("x".repeat(192), { target: target({ check: "c" }) })))
        assert.strictEqual(error.reason._tag, "BadRow")
      })
    )

    check(
      "of two that open an outage of one target at once, one does; both may close it, and one did",
      Effect.gen(function*() {
        const store = yield* OutageStore
        for (let i = 0; i < 10; i++) {
          const opened = yield* Effect.all(
            ["a", "b", "c"].map((id) => Effect.result(store.open(outage(`${id}${i}`, { start: march + i * minute })))),
            { concurrency: "unbounded" }
          )
          assert.lengthOf(opened.filter((it) => it._tag === "Success"), 1)
          for (const it of opened) if (it._tag === "Failure") assert.strictEqual(it.failure.reason._tag, "AlreadyOpen")
          const [open] = yield* find({ open: true })
          const closed = yield* Effect.all(
            [1, 2, 3].map((end) =>
              store.close(open!.id, march + i * minute + end, false, { id: `d${end}`, votes: {} })
            ),
            { concurrency: "unbounded" }
          )
          assert.lengthOf(closed.filter((it) => it), 1)
          assert.lengthOf(yield* store.decisions(open!.id), 2)
        }
        assert.lengthOf(yield* find(), 10)
      })
    )

    check(
      "keeps every millisecond, also of the night when clocks are set back and at the turn of a month",
      Effect.gen(function*() {
        const store = yield* OutageStore
        const times = [
          "2025-10-26T00:59:59.999Z",
          "2025-10-26T01:30:00.001Z",
          "2025-11-02T08:30:00.500Z",
          "2026-01-31T23:59:59.999Z",
          "2026-02-01T00:00:00.000Z",
          "2024-02-29T12:00:00.123Z",
          "1999-12-31T23:59:59.999Z",
          "2040-06-01T00:00:00.001Z"
        ].map((text) => Date.parse(text))
        for (const [i, start] of times.entries()) {
          yield* store.open(outage(`o${i}`, { target: target({ check: `c${i}` }), start, end: start + 1 }))
        }
        const sorted = times.toSorted((a, b) => a - b)
        assert.deepStrictEqual((yield* find()).map((it) => [it.start, it.end]), sorted.map((at) => [at, at + 1]))
        const february = Date.parse("2026-02-01T00:00:00.000Z")
        assert.deepStrictEqual(
          (yield* find({ from: february, to: february + 28 * 86_400_000 })).map((it) => it.start),
          [february]
        )
      })
    )

    check(
      "keeps the data of a probe as JSON",
      Effect.gen(function*() {
        const store = yield* OutageStore
        const cyclic: Array<unknown> = []
        cyclic.push(cyclic)
        for (const [i, data] of [null, 0, "", false, [1, { a: null }], { big: "x".repeat(60_000) }].entries()) {
          yield* store.open(outage(`o${i}`, { target: target({ check: `c${i}` }), data }))
          assert.deepStrictEqual((yield* find({ target: target({ check: `c${i}` }) }))[0]?.data, data)
        }
        for (const data of [cyclic, { n: 1n }]) {
          const error = yield* Effect.flip(store.open(outage("bad", { data })))
          assert.strictEqual(error.reason._tag, "BadRow")
        }
        yield* store.open(outage("undefined", { data: undefined }))
        assert.isNull((yield* find({ target: target() }))[0]?.data)
      })
    )

    check(
      "refuses times that no column holds, and stores nothing then",
      Effect.gen(function*() {
        const store = yield* OutageStore
        for (const start of [NaN, Infinity, -Infinity, 1e16]) {
          const error = yield* Effect.flip(store.open(outage("o", { start })))
          assert.strictEqual(error.reason._tag, "BadRow")
          assert.isFalse(error.isRetryable)
        }
        assert.deepStrictEqual(yield* ids(), [])
        yield* store.open(outage("o1"))
        assert.strictEqual((yield* Effect.flip(store.close("o1", NaN, false))).reason._tag, "BadRow")
        assert.deepStrictEqual(yield* find({ open: true }), [outage("o1")])
      })
    )

    check(
      "leads from an outage to the decisions on it",
      Effect.gen(function*() {
        const store = yield* OutageStore
        yield* store.open(outage("o1"))
        const opening = { id: "o1", up: false, decidedAt: march, votes: { m1: true, m2: true, m3: false } }
        assert.deepStrictEqual(yield* store.decisions("o1"), [opening])
        yield* store.close("o1", march + minute, false, { id: "d2", votes: { m1: true, m3: true } })
        yield* store.close("o1", march + 2 * minute, false, { id: "d3", votes: {} })
        const closing = { id: "d2", up: true, decidedAt: march + minute, votes: { m1: true, m3: true } }
        assert.deepStrictEqual(yield* store.decisions("o1"), [opening, closing])
        assert.deepStrictEqual(yield* store.decisions("nobody"), [])
      })
    )

    check(
      "keeps what proves the decisions, and says of an outage whether both have it and whether it is late",
      Effect.gen(function*() {
        const store = yield* OutageStore
        const [down, up] = [proof(1), proof(2, { late: true }, 64)]
        const closing = { id: "seq-2", votes: { m1: true }, proof: up }
        const step = (seq: number, late: boolean, certified: boolean) => ({ proof: { seq, late, certified } })
        yield* store.open(outage("seq-1"), undefined, down)
        assert.deepStrictEqual(yield* find(), [outage("seq-1", step(1, false, true))])
        assert.isTrue(yield* store.close("seq-1", march + minute, false, closing))
        assert.deepStrictEqual(yield* find(), [outage("seq-1", { end: march + minute, ...step(1, true, true) })])
        assert.deepStrictEqual(yield* store.decisions("seq-1"), [
          { id: "seq-1", up: false, decidedAt: march, votes: outage("").votes, proof: down },
          { ...closing, up: true, decidedAt: march + minute }
        ])

        // Over before it was stored, by a step whose certificate was not kept; and ended without a decision.
        const whole = outage("seq-3", { start: march + 5 * minute, end: march + 6 * minute })
        yield* store.open(whole, { id: "seq-4", votes: {}, proof: { seq: 4, late: false } }, proof(3, { late: true }))
        const gone = outage("seq-5", { start: march + 7 * minute })
        yield* store.open(gone, undefined, proof(2 ** 53 - 1))
        yield* store.close("seq-5", march + 8 * minute, false)
        const open = outage("seq-7", { start: march + 9 * minute })
        yield* store.open(open, undefined, { seq: 7, late: false })
        assert.deepStrictEqual((yield* find()).slice(1), [
          { ...whole, ...step(3, true, false) },
          { ...gone, end: march + 8 * minute, ...step(2 ** 53 - 1, false, false) },
          { ...open, ...step(7, false, false) }
        ])
        assert.deepStrictEqual((yield* store.decisions("seq-3"))[1]?.proof, { seq: 4, late: false })

        // The same outage again, with another certificate for the same step: the first stays.
        yield* store.open(open, undefined, proof(7))
        assert.deepStrictEqual((yield* store.decisions("seq-7"))[0]?.proof, { seq: 7, late: false })
        // One that was opened without proof has none, however it ends.
        yield* store.open(outage("p1", { target: target({ check: "other" }) }))
        yield* store.close("p1", march + minute, false, closing)
        assert.deepStrictEqual(yield* find({ id: "p1 " }), [
          outage("p1", { target: target({ check: "other" }), end: march + minute })
        ])
        assert.deepStrictEqual(yield* find({ id: "nobody" }), [])
      })
    )

    it("does what a simple model does, whatever comes in which order", () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.record({
              close: fc.boolean(),
              id: fc.integer({ min: 0, max: 5 }),
              check: fc.integer({ min: 0, max: 2 }),
              at: fc.integer({ min: 0, max: 20 })
            }),
            { maxLength: 30 }
          ),
          (steps) =>
            Effect.gen(function*() {
              const store = yield* OutageStore
              const model = new Map<string, Outage>()
              for (const step of steps) {
                const id = `o${step.id}`
                const known = model.get(id)
                const at = march + step.at
                if (step.close) {
                  const closed = yield* store.close(id, at, step.at < 5)
                  assert.strictEqual(closed, known !== undefined && known.end === undefined)
                  if (closed) model.set(id, { ...known!, end: Math.max(at, known!.start), blip: step.at < 5 })
                } else {
                  const it = outage(id, { target: target({ check: `c${step.check}` }), start: at })
                  const taken = [...model.values()].some((other) =>
                    other.end === undefined && other.target.check === it.target.check
                  )
                  const failed = yield* Effect.match(store.open(it), {
                    onFailure: (error) => error.reason._tag === "AlreadyOpen",
                    onSuccess: () => false
                  })
                  assert.strictEqual(failed, known === undefined && taken)
                  if (known === undefined && !taken) model.set(id, it)
                }
              }
              const expected = [...model.values()].sort((a, b) => a.start - b.start)
              assert.deepStrictEqual(yield* find(), expected)
            }).pipe(Effect.provide(layer), Effect.runPromise)
        ),
        { numRuns }
      ), 120_000)
  })
}
