import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as MysqlClient from "../src/store/MysqlClient.ts"
import { layerSql } from "../src/store/Store.ts"
import { type UsageRow, UsageStore } from "../src/store/UsageStore.ts"
import { withMariaDb, withoutServer } from "./mariadb.ts"
import { atLeast, atMost, type Benchmark } from "./measure.ts"

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

const names = ["usage flush, updated rows", "usage flush, times row by row", "usage flush, our share of a row"] as const
/** The last one: what a row may take of our one core, so that as many go through it; the rest is the server's. */
const goals = [120_000, 25, 8.3] as const
const units = ["/s", "x", "µs"] as const

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
      let least = Infinity
      for (let round = 2; round < 2 + rounds; round++) {
        const began = performance.now()
        const before = process.cpuUsage()
        yield* flush(round)
        const { system, user } = process.cpuUsage(before)
        best = Math.max(best, keys / (performance.now() - began) * 1000)
        least = Math.min(least, (user + system) / keys)
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
      return { best, least, single: single / (performance.now() - began) * 1000 }
    }).pipe(Effect.provide(layerSql.pipe(Layer.provideMerge(MysqlClient.layer({ ...config, maxConnections: 2 })))))
  )
  if (measured === undefined) {
    return names.map((name, i) => withoutServer(name, units[i]!, goals[i]!))
  }
  return [
    atLeast(names[0], measured.best, units[0], goals[0]),
    atLeast(names[1], measured.best / measured.single, units[1], goals[1]),
    atMost(names[2], measured.least, units[2], goals[2])
  ]
}
