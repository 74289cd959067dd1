import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Outage } from "../src/domain/Outage.ts"
import * as MysqlClient from "../src/store/MysqlClient.ts"
import { OutageStore } from "../src/store/OutageStore.ts"
import { layerSql, layerSqlite } from "../src/store/Store.ts"
import { withMariaDb, withoutServer } from "./mariadb.ts"
import { atLeast, type Benchmark } from "./measure.ts"

export const outageOf = (i: number): Outage => ({
  id: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
  target: {
    checkType: "endpoint",
    check: "wss",
    member: `Member ${i % 50}`,
    domain: `rpc${i % 20}.example.org`,
    endpoint: `wss://rpc${i % 20}.example.org/chain${i % 1_000}`,
    ipv6: i % 2 === 0
  },
  start: Date.parse("2026-01-01T00:00:00Z") + i * 1_000,
  end: undefined,
  error: "connection refused",
  data: { attempts: 3 },
  votes: { "monitor-1": true, "monitor-2": true, "monitor-3": false },
  blip: false
})

/** Outages opened and closed by four at once, each with its decisions, as they are after a network has failed. */
const pairs = (millis: number, firstId: number) =>
  Effect.gen(function*() {
    const store = yield* OutageStore
    const began = performance.now()
    let next = firstId
    let done = 0
    const work = Effect.gen(function*() {
      while (performance.now() - began < millis) {
        const outage = outageOf(next++)
        yield* store.open({ ...outage, target: { ...outage.target, check: outage.id } })
        yield* store.close(outage.id, outage.start + 60_000, true, { id: `d${outage.id}`, votes: outage.votes })
        done += 1
      }
    })
    yield* Effect.all([work, work, work, work], { concurrency: 4, discard: true })
    return done / (performance.now() - began) * 1000
  })

export const run: Benchmark = async ({ smoke }) => {
  const millis = smoke ? 300 : 5_000
  const folder = await mkdtemp(join(tmpdir(), "geodns-bench-"))
  try {
    const sqlite = await Effect.runPromise(
      pairs(millis, 0).pipe(Effect.provide(layerSqlite({ filename: join(folder, "geodns.sqlite") })))
    )
    const mysql = await withMariaDb((config) =>
      pairs(millis, 0).pipe(Effect.provide(layerSql.pipe(Layer.provide(MysqlClient.layer(config)))))
    )
    return [
      atLeast("outages opened and closed, SQLite", sqlite, "/s", 500),
      mysql === undefined
        ? withoutServer("outages opened and closed", "/s", 100)
        : atLeast("outages opened and closed, MariaDB", mysql, "/s", 100)
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
