import { assert, describe, it } from "@effect/vitest"
import { type Context, Effect, type Scope } from "effect"
import { TestClock, TestConsole } from "effect/testing"
import * as fc from "fast-check"
import type { Conditions } from "../../src/node/Conditions.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import { makeOutside, settle } from "./collating.ts"
import { proven } from "./proving.ts"

type Parts = OutageLog | OfficialStatus | Conditions | Scope.Scope

const hour = 3_600_000

/** What happens: a collator hears of a step, both are started again, or the store goes and comes back. */
const happenings = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("hear" as const),
        who: fc.constantFrom(0 as const, 1 as const),
        seq: fc.integer({ min: 1, max: 9 })
      })
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("restart" as const, "away" as const, "back" as const) }) }
  ),
  { minLength: 1, maxLength: 16 }
)

/** When each step was observed, by clocks that do not agree: within two hours, in whatever order. */
const times = fc.array(fc.integer({ min: 0, max: 2 * hour }), { minLength: 10, maxLength: 10 })

describe("outages that are proved, at two collators with one store", () => {
  it("are the same whoever hears of which step when, and end in the highest", () =>
    fc.assert(
      fc.asyncProperty(happenings, times, (all, times) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(2 * hour)
          const one = yield* makeOutside()
          const two = yield* makeOutside(one)
          const hear = (seq: number) =>
            Effect.andThen(
              OfficialStatus.use((official) => official.apply(proven(seq, times[seq]!))),
              settle
            )
          const heard: [number, number] = [0, 0]
          let left: typeof all = all
          while (left.length > 0) {
            const at = left.findIndex((it) => it.do === "restart")
            const now = at < 0 ? left : left.slice(0, at)
            left = at < 0 ? [] : left.slice(at + 1)
            yield* one.process(Effect.contextWith((a: Context.Context<Parts>) =>
              two.process(Effect.contextWith((b: Context.Context<Parts>) =>
                Effect.gen(function*() {
                  yield* settle
                  for (const it of now) {
                    if (it.do === "hear") {
                      heard[it.who] = Math.max(heard[it.who], it.seq)
                      yield* Effect.provide(hear(it.seq), it.who === 0 ? a : b)
                    } else one.flaky.mode = it.do === "away" ? "away" : "well"
                  }
                  if (left.length > 0) return
                  // In the end both have heard of the newest, and the store is back.
                  one.flaky.mode = "well"
                  yield* TestClock.adjust("2 minutes")
                  const last = Math.max(...heard)
                  for (const context of [a, b]) yield* Effect.provide(hear(last), context)
                  yield* TestClock.adjust("2 minutes")
                  yield* settle
                })
              ))
            ))
          }
          const rows = yield* one.rows
          const last = Math.max(...heard)
          const open = rows.filter(({ end }) => end === undefined)
          assert.deepStrictEqual(
            open.map(({ id }) =>
              id
            ),
            last % 2 === 1 ? [`seq-${last}-Lagoon`] : []
          )
          for (const { end, id, proof, start } of rows) {
            assert.strictEqual(id, `seq-${proof!.seq}-Lagoon`)
            assert.strictEqual(proof!.seq % 2, 1)
            assert.strictEqual(start, times[proof!.seq])
            if (end !== undefined) assert.isAbove(end, start)
            // What closed it is a higher step, if it was one.
            const decisions = yield* one.store.decisions(id)
            const closing = decisions.find(({ up }) => up)
            if (closing !== undefined) assert.isAbove(closing.proof!.seq, proof!.seq)
          }
          assert.strictEqual(new Set(rows.map(({ id }) => id)).size, rows.length)
        }).pipe(Effect.scoped, Effect.provide([TestClock.layer(), TestConsole.layer]), Effect.runPromise)),
      { numRuns: 80 }
    ), 300_000)
})
