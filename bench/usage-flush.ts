import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as MysqlClient from "../src/store/MysqlClient.ts"
import { layerSql } from "../src/store/Store.ts"
import { type UsageRow, UsageStore } from "../src/store/UsageStore.ts"
import { withMariaDb, withoutServer } from "./mariadb.ts"
import { atLeast, type Benchmark } from "./measure.ts"

/** Keys as a busy node has them: 20 names, 30 members, 2,000 networks. */
const rowOf = (i: number, hits: number, writer: string): UsageRow => ({
  day: "2026-03-01",
  node: "dns-1",
  writer,
  domain: `rpc${i % 20}.example.org`,
  member: `Member ${i % 30}`,
  asn: `AS${64_000 + i % 2_000}`,
  network: `Example Network ${i} Ltd.`,
  country: "DE",
  countryName: "Germany",
  ipv6: i % 5 === 0,
  hits
})

const names = ["usage flush, updated rows", "usage flush, times row by row"] as const
const goals = [120_000, 25] as const

/** Totals that grow, written over those before, as every flush after the first: two connections, 500 rows a statement. */
export const run: Benchmark = async ({ smoke }) => {
  const keys = smoke ? 10_000 : 100_000
  const rounds = smoke ? 1 : 4
  const single = smoke ? 500 : 5_000
  const measured = await withMariaDb((config) =>
    Effect.gen(function*() {
      const store = yield* UsageStore
      const sql = yield* SqlClient.SqlClient
      // Two writers, as two nodes or two processes of one.
      const flush = (round: number) =>
        Effect.forEach(["w1", "w2"], (writer) =>
          Effect.gen(function*() {
            for (let i = 0; i < keys / 2; i += 2_500) {
              const count = Math.min(2_500, keys / 2 - i)
              yield* store.upsert(Array.from({ length: count }, (_, k) => rowOf(i + k, round, writer)))
            }
          }), { concurrency: 2, discard: true })
      yield* flush(1)
      let best = 0
      for (let round = 2; round < 2 + rounds; round++) {
        const began = performance.now()
        yield* flush(round)
        best = Math.max(best, keys / (performance.now() - began) * 1000)
      }
      const began = performance.now()
      for (let i = 0; i < single; i++) {
        const row = rowOf(i, 1_000, "w1")
        yield* sql`INSERT INTO requests ${
          sql.insert({
            date: row.day,
            node_id: `${row.node}~${row.writer}`,
            domain_name: row.domain,
            member_name: row.member,
            network_asn: row.asn,
            network_name: row.network,
            country_code: row.country,
            country_name: row.countryName,
            is_ipv6: row.ipv6,
            hits: row.hits
          })
        } ON DUPLICATE KEY UPDATE hits = GREATEST(hits, VALUES(hits))`
      }
      return { best, single: single / (performance.now() - began) * 1000 }
    }).pipe(Effect.provide(layerSql.pipe(Layer.provideMerge(MysqlClient.layer({ ...config, maxConnections: 2 })))))
  )
  if (measured === undefined) {
    return [withoutServer(names[0], "/s", goals[0]), withoutServer(names[1], "x", goals[1])]
  }
  return [
    atLeast(names[0], measured.best, "/s", goals[0]),
    atLeast(names[1], measured.best / measured.single, "x", goals[1])
  ]
}
