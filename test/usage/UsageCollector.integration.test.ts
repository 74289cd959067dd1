import { assert, it } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Schedule } from "effect"
import { afterAll, beforeAll } from "vitest"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import * as MysqlClient from "../../src/store/MysqlClient.ts"
import * as Store from "../../src/store/Store.ts"
import { MariaDb } from "../servers/MariaDb.ts"
import { describeWith, mariadb } from "../servers/Server.ts"
import { hit, hitsOf, inCluster, newDisk, newFiles, startCollator, startDns } from "./collecting.ts"

const speed = 20n
const live = Effect.runSync(Clock.Clock)
const millis = (at: number, began: number) => began + (at - began) * Number(speed)
const began = live.currentTimeMillisUnsafe()
const nanos = () => live.monotonicTimeNanosUnsafe() * speed
/** Time that passes twenty times as fast: a node that does not answer is waited for. */
const fast: Clock.Clock = {
  currentTimeMillisUnsafe: () => Math.floor(millis(live.currentTimeMillisUnsafe(), began)),
  currentTimeMillis: Effect.sync(() => fast.currentTimeMillisUnsafe()),
  currentTimeNanosUnsafe: () => BigInt(fast.currentTimeMillisUnsafe()) * 1_000_000n,
  currentTimeNanos: Effect.sync(() => fast.currentTimeNanosUnsafe()),
  monotonicTimeNanosUnsafe: nanos,
  monotonicTimeNanos: Effect.sync(nanos),
  sleep: (duration) => live.sleep(Duration.millis(Duration.toMillis(duration) / Number(speed)))
}

const keys = 3_000

describeWith(mariadb, "UsageCollector over MariaDB", () => {
  let server: MariaDb
  beforeAll(async () => {
    server = await MariaDb.create({ arguments: ["--innodb-flush-log-at-trx-commit=2"] })
  }, 120_000)
  afterAll(() => server.destroy())

  it.live(
    "the same days collected again and again by two collators at once, a node down in between: totals are right",
    () =>
      inCluster(Effect.gen(function*() {
        const broker = yield* MemoryBroker
        // A client of its own for each, as two processes have.
        const newClient = Layer.build(
          Layer.fresh(Store.layerSql.pipe(Layer.provide(MysqlClient.layer(server.connection()))))
        )
        const stores = [yield* newClient, yield* newClient] as const
        const collators = [
          yield* startCollator("collator-1", stores[0], yield* newFiles),
          yield* startCollator("collator-2", stores[1], yield* newFiles)
        ]
        const disk = yield* newDisk
        const dns1 = yield* startDns("dns-1", yield* newDisk)
        let dns2 = yield* startDns("dns-2", disk)
        const count = (dns: typeof dns1, times: number) => {
          for (let i = 0; i < keys * times; i++) dns.record(hit(`d${i % keys}.example`))
        }
        const collect = Effect.all(collators.map((it) => it.collector.collect), { concurrency: 2, discard: true })
        const byNode = (store: (typeof stores)[number]) =>
          Effect.map(hitsOf(store), (hits) => {
            const sums: Record<string, number> = {}
            // A test that runs over midnight counts on two days.
            for (const [key, value] of Object.entries(hits)) sums[key.slice(11)] = (sums[key.slice(11)] ?? 0) + value
            return sums
          })
        const missing = Effect.map(
          Effect.all(collators.map((it) => it.completeness)),
          (all) => all.map((states) => states.filter((it) => it.includes("dns-")).length)
        )
        // They know the nodes.
        yield* Effect.andThen(collect, missing).pipe(
          Effect.flatMap((known) => known.every((it) => it >= 2) ? Effect.void : Effect.fail(known)),
          Effect.retry({ times: 50, schedule: Schedule.spaced("5 seconds") })
        )

        count(dns1, 3)
        count(dns2, 2)
        /** Time passes fast here: a busy machine may need another round until all is there, and never more than that. */
        const collectTo = (store: (typeof stores)[number], dns1: number, dns2: number) =>
          Effect.andThen(collect, byNode(store)).pipe(
            Effect.flatMap((found) => {
              assert.isAtMost(found["dns-1"] ?? 0, dns1 * keys)
              assert.isAtMost(found["dns-2"] ?? 0, dns2 * keys)
              return found["dns-1"] === dns1 * keys && found["dns-2"] === dns2 * keys ? Effect.void : Effect.fail(found)
            }),
            Effect.retry({ times: 20, schedule: Schedule.spaced("5 seconds") })
          )
        yield* collectTo(stores[0], 3, 2)

        yield* broker.disconnect("dns-2")
        count(dns1, 1)
        count(dns2, 1)
        yield* collectTo(stores[1], 4, 2)

        // It comes back as another process, with what the one before has counted.
        yield* broker.reconnect("dns-2")
        yield* dns2.stop
        dns2 = yield* startDns("dns-2", disk)
        count(dns2, 1)
        const all = { "dns-1": 4 * keys, "dns-2": 4 * keys }
        yield* collectTo(stores[0], 4, 4)
        yield* collect
        yield* collect
        for (const store of stores) assert.deepStrictEqual(yield* byNode(store), all)
        const rows = yield* Effect.promise(() =>
          server.query<{ readonly hits: string; readonly n: number }>(
            `SELECT CAST(hits AS CHAR) AS hits, COUNT(*) AS n FROM (
            SELECT domain_name, SUBSTRING_INDEX(node_id, '~', 1) AS node, SUM(hits) AS hits FROM requests
            GROUP BY domain_name, node) AS sums GROUP BY hits`
          )
        )
        // Each key of each node.
        assert.deepStrictEqual(rows.map((it) => ({ ...it })), [{ hits: "4", n: 2 * keys }])
      })).pipe(Effect.provideService(Clock.Clock, fast)),
    120_000
  )
})
