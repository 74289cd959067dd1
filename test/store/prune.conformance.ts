import { assert, it } from "@effect/vitest"
import { Effect, type Layer, Stream } from "effect"
import type { SqlClient } from "effect/sql"
import {
  AlertStore,
  OutageStore,
  prunable,
  prune,
  type Pruned,
  type Store,
  type StoreError,
  UsageStore
} from "../../src/store/index.ts"
import { march, minute, outage, target, usage } from "./samples.ts"

/** What removing old rows must do in every database. */
export const pruneConformance = (
  name: string,
  layer: Layer.Layer<Store.Stores | SqlClient.SqlClient, StoreError>
): void => {
  it.effect(`prune in ${name}: removes what has ended before, counts first, and leaves what is open`, () =>
    Effect.gen(function*() {
      const outages = yield* OutageStore
      const usages = yield* UsageStore
      const alerts = yield* AlertStore
      const day = 24 * 60 * minute
      const add = (id: string, start: number, end: number | undefined) =>
        Effect.all([
          outages.open(outage(id, { target: target({ check: id }), start, end })),
          alerts.save({ outage: id, thread: "{}", finished: true })
        ])
      for (let i = 0; i < 30; i++) yield* add(`old${i}`, march - 3 * day + i, march - 2 * day)
      yield* add("into", march - day, march + minute)
      yield* add("open", march - 9 * day, undefined)
      yield* add("edge", march - day, march)
      yield* usages.upsert(["2026-02-26", "2026-02-28", "2026-03-01"].flatMap((day) => [
        usage(1, { day }),
        usage(2, { day, network: "other" })
      ]))
      const expected = { outages: 30, decisions: 30, alertThreads: 30, usage: 4 }
      assert.deepStrictEqual(yield* prune({ before: march, dryRun: true }), expected)
      assert.deepStrictEqual(yield* prunable(march), [
        { table: "member_events", rows: 30, oldest: "2026-02-26 00:00:00.000", newest: "2026-02-26 00:00:00.029" },
        { table: "decisions", rows: 30, oldest: "2026-02-26 00:00:00.000", newest: "2026-02-26 00:00:00.029" },
        { table: "alert_threads", rows: 30, oldest: null, newest: null },
        { table: "requests", rows: 4, oldest: "2026-02-26", newest: "2026-02-28" }
      ])
      assert.lengthOf(yield* Stream.runCollect(outages.find({})), 33)
      const told: Array<Pruned> = []
      assert.deepStrictEqual(
        yield* prune({ before: march, onProgress: (pruned) => Effect.sync(() => void told.push(pruned)) }),
        expected
      )
      assert.deepStrictEqual(told, [{ ...expected, usage: 0 }, expected])
      assert.deepStrictEqual(yield* prune({ before: march }), { outages: 0, decisions: 0, alertThreads: 0, usage: 0 })
      assert.sameMembers((yield* Stream.runCollect(outages.find({}))).map((it) => it.id), ["into", "open", "edge"])
      assert.deepStrictEqual((yield* Stream.runCollect(usages.find({}))).map((it) => it.day), [
        "2026-03-01",
        "2026-03-01"
      ])
      assert.isUndefined(yield* alerts.get("old1"))
      assert.isTrue((yield* alerts.get("open"))?.finished)
    }).pipe(Effect.provide(layer)))
}
