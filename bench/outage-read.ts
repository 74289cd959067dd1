import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as MysqlClient from "../src/store/MysqlClient.ts"
import { encodeOutage } from "../src/store/OutageRow.ts"
import { OutageStore } from "../src/store/OutageStore.ts"
import { layerSql } from "../src/store/Store.ts"
import { withMariaDb, withoutServer } from "./mariadb.ts"
import { atLeast, type Benchmark } from "./measure.ts"
import { outageOf } from "./outage-write.ts"

const names = ["outages streamed, raw", "outages streamed, decoded"] as const
const goals = [300_000, 80_000] as const

/** All outages of some years, as rows and as what the rest of the program takes. */
export const run: Benchmark = async ({ smoke }) => {
  const count = smoke ? 5_000 : 200_000
  const measured = await withMariaDb((config) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* OutageStore
      for (let i = 0; i < count; i += 1_000) {
        const rows = Array.from({ length: 1_000 }, (_, k) => {
          const outage = outageOf(i + k)
          return { ...Effect.runSync(Effect.fromResult(encodeOutage({ ...outage, end: outage.start + 1 }))) }
        })
        yield* sql`INSERT INTO member_events ${sql.insert([rows[0]!, ...rows.slice(1)])}`
      }
      const rate = <A, E>(stream: Stream.Stream<A, E>) =>
        Effect.gen(function*() {
          let best = 0
          for (let round = 0; round < (smoke ? 1 : 3); round++) {
            const began = performance.now()
            let seen = 0
            yield* Stream.runForEachArray(stream, (rows) =>
              Effect.sync(() => {
                seen += rows.length
              }))
            if (seen !== count) return yield* Effect.die(new Error(`${seen} rows instead of ${count}`))
            best = Math.max(best, seen / (performance.now() - began) * 1000)
          }
          return best
        })
      return {
        raw: yield* rate(
          sql`SELECT id, outage_id, target_key, start_time, end_time, error, vote_data, additional_data, blip
            FROM member_events ORDER BY start_time, id`.stream
        ),
        decoded: yield* rate(store.find({}))
      }
    }).pipe(Effect.provide(layerSql.pipe(Layer.provideMerge(MysqlClient.layer(config)))))
  )
  if (measured === undefined) return names.map((name, i) => withoutServer(name, "/s", goals[i]!))
  return [atLeast(names[0], measured.raw, "/s", goals[0]), atLeast(names[1], measured.decoded, "/s", goals[1])]
}
