import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { Migrations, OutageStore, SqliteClient, Store, usageWidths } from "../../src/store/index.ts"
import { UsageStore } from "../../src/store/UsageStore.ts"
import { march, minute, outage, proof, usage } from "./samples.ts"

const fresh = SqliteClient.layer({ filename: ":memory:" })
const withStores = Layer.provideMerge(Store.layerSql, fresh)

describe("Migrations", () => {
  it.effect("run once each, in order, and are recorded", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const recorded = sql`SELECT migration_id, name FROM schema_migrations ORDER BY migration_id`.values
      yield* Migrations.run()
      const first = yield* recorded
      assert.deepStrictEqual(first, [[1, "outages"], [2, "usage"], [3, "alerts"], [4, "certificates"], [
        5,
        "alert_duty"
      ]])
      yield* Migrations.run()
      assert.deepStrictEqual(yield* recorded, first)
      const tables = yield* sql`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`.values
      assert.includeMembers(tables.flat(), ["alert_threads", "decisions", "member_events", "requests"])
    }).pipe(Effect.provide(fresh)))

  it.effect("complete a database of an older version and keep its rows", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* Migrations.run()
      yield* sql`DROP TABLE alert_threads`
      yield* sql`DELETE FROM schema_migrations WHERE name = 'alerts'`
      yield* sql`INSERT INTO requests VALUES ('2026-03-01', 'n~w', 'd', 'm', '', '', '??', 'Unknown', 0, 7)`
      yield* Migrations.run()
      assert.deepStrictEqual(yield* sql`SELECT hits FROM requests`.values, [[7]])
      assert.deepStrictEqual(yield* sql`SELECT * FROM alert_threads`.values, [])
    }).pipe(Effect.provide(fresh)))

  it.effect("give decisions of an older version what proves those to come, and keep them as they are", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* Migrations.run()
      for (const name of ["seq", "late", "certificate"]) {
        yield* sql`ALTER TABLE decisions DROP COLUMN ${sql.literal(name)}`
      }
      yield* sql`DELETE FROM schema_migrations WHERE name = 'certificates'`
      yield* sql`
        INSERT INTO member_events (member_name, check_type, check_name, domain_name, endpoint, start_time, error,
          vote_data, additional_data, is_ipv6, target_key, outage_id)
        VALUES ('A', 'site', 'ping', '', '', '2026-03-01 00:00:00.000', 'e', '{}', 'null', 0,
          '["site","ping","A","","",false]', 'o1')`
      const before = sql`
        INSERT INTO decisions (outage_id, up, decision_id, decided_at, vote_data)
        VALUES ('o1', 0, 'o1', '2026-03-01 00:00:00.000', '{"m1":true}')`
      yield* before
      const [plan] = yield* Migrations.migrate({ dryRun: true })
      assert.deepStrictEqual(plan?.steps.map(({ what }) => what), [
        "add the column seq to decisions",
        "add the column late to decisions",
        "add the column certificate to decisions"
      ])
      yield* Migrations.run()
      assert.deepStrictEqual(yield* Migrations.migrate(), [])
      const store = yield* OutageStore
      const opening = { id: "o1", up: false, decidedAt: march, votes: { m1: true } }
      assert.deepStrictEqual(yield* store.decisions("o1"), [opening])
      assert.isTrue(yield* store.close("o1", march + minute, false, { id: "seq-2", votes: {}, proof: proof(2) }))
      assert.deepStrictEqual((yield* store.decisions("o1"))[1]?.proof, proof(2))
      const [row] = yield* Stream.runCollect(store.find({}))
      assert.isUndefined(row?.proof)
      // One that a process of the older version writes meanwhile gets in.
      yield* sql`DELETE FROM decisions`
      yield* before
      assert.deepStrictEqual(yield* store.decisions("o1"), [opening])
    }).pipe(Effect.provide(OutageStore.layer.pipe(Layer.provideMerge(fresh)))))

  it.effect("say which row of theirs is broken when somebody has changed a certificate by hand", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* OutageStore
      yield* store.open(outage("o1"), undefined, proof(1))
      yield* sql`UPDATE decisions SET certificate = '{"seq":1}'`
      const error = yield* Effect.flip(store.decisions("o1"))
      assert.match(error.message, /decisions.*o1.*certificate/s)
    }).pipe(Effect.provide(withStores)))

  it.effect("leave a database as it was when one fails, and refuse one of a newer version", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE requests (mine TEXT)`
      const failed = yield* Effect.flip(Migrations.run())
      assert.include(failed.message, "requests")
      assert.deepStrictEqual(yield* sql`SELECT name FROM sqlite_schema WHERE name = 'member_events'`.values, [])
      yield* sql`DROP TABLE requests`
      yield* Migrations.run()
      yield* sql`INSERT INTO schema_migrations (migration_id, name) VALUES (99, 'from_the_future')`
      const newer = yield* Effect.flip(Migrations.run())
      assert.strictEqual(newer.reason._tag, "BadSchema")
      assert.include(newer.message, "from_the_future")
    }).pipe(Effect.provide(fresh)))

  it.effect("give outages the columns that other tools read", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* OutageStore
      yield* store.open(outage("o1"))
      const read = sql`
        SELECT member_name, check_type, check_name, domain_name, endpoint, status, start_time, end_time, error, vote_data,
          is_ipv6, blip, closed_by FROM member_events`.values
      const columns = [
        "Potomac Works",
        "endpoint",
        "wss",
        "rpc.example",
        "wss://rpc.example/kusama",
        0,
        "2026-03-01 00:00:00.000",
        null,
        "connection refused",
        `{"m1":true,"m2":true,"m3":false}`,
        0
      ]
      assert.deepStrictEqual(yield* read, [[...columns, 0, null]])
      // The status stays 0 when an outage is closed: reports filter on it.
      yield* store.close("o1", march + minute + 7, true, { id: "d2", votes: {} })
      assert.deepStrictEqual(yield* read, [[...columns.with(7, "2026-03-01 00:01:00.007"), 1, "d2"]])
    }).pipe(Effect.provide(withStores)))

  it.effect("guarantee one open outage per target against any writer", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* OutageStore
      yield* store.open(outage("o1"))
      const copy = sql`
        INSERT INTO member_events (member_name, check_type, check_name, domain_name, endpoint, start_time, error,
          vote_data, additional_data, is_ipv6, target_key, outage_id)
        SELECT member_name, check_type, check_name, domain_name, endpoint, start_time, error, vote_data,
          additional_data, is_ipv6, target_key, 'o2' FROM member_events`
      assert.strictEqual((yield* Effect.flip(copy)).reason._tag, "UniqueViolation")
      yield* store.close("o1", march + minute, false)
      yield* copy
      const reopened = yield* Effect.flip(sql`UPDATE member_events SET end_time = NULL`)
      assert.strictEqual(reopened.reason._tag, "UniqueViolation")
    }).pipe(Effect.provide(withStores)))

  it.effect("leave no part of the usage key without a value, and read it in pages by its key", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const columns = yield* sql<{ readonly name: string; readonly notnull: number }>`PRAGMA table_info(requests)`
      assert.deepStrictEqual(columns.filter((column) => column.notnull === 0), [])
      yield* (yield* UsageStore).upsert([usage(1, { domain: "x".repeat(usageWidths.domain) })])
      const plan = yield* sql<{ readonly detail: string }>`
        EXPLAIN QUERY PLAN SELECT * FROM requests
        WHERE (date, domain_name, member_name, network_asn, network_name, country_code, country_name, is_ipv6, node_id)
          > ('2026-03-01', 'a', '', '', '', '', '', 0, '')
        ORDER BY date, domain_name, member_name, network_asn, network_name, country_code, country_name, is_ipv6, node_id
        LIMIT 500`
      assert.lengthOf(plan, 1)
      assert.match(plan[0]!.detail, /^SEARCH requests USING PRIMARY KEY/)
    }).pipe(Effect.provide(withStores)))
})
