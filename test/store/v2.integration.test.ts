import { assert, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Layer, Schedule, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { afterAll, beforeAll } from "vitest"
import { Conditions } from "../../src/node/Conditions.ts"
import { lookForForeignWriters } from "../../src/store/foreignWriters.ts"
import { Migrations, MysqlClient, OutageStore, Store, UsageStore } from "../../src/store/index.ts"
import { mysqlMigrations } from "../../src/store/mysqlMigrations.ts"
import { MariaDb } from "../servers/MariaDb.ts"
import { describeWith, mariadb } from "../servers/Server.ts"
import { march, outage, target } from "./samples.ts"
import { createV2, fillOutages, fillUsage, v2Shapes } from "./v2Database.ts"

// What `npm test` takes. V2_ROWS=100000 runs it at the size of an old installation.
const outageRows = Number(process.env["V2_ROWS"] ?? 2_000)
const isLarge = outageRows >= 100_000
const usageRows = outageRows * (isLarge ? 10 : 5)
const patience = isLarge ? 1_200_000 : 300_000

describeWith(mariadb, "a database of v2", () => {
  let server: MariaDb
  beforeAll(async () => {
    server = await MariaDb.create({ arguments: ["--innodb-flush-log-at-trx-commit=2"] })
  }, 60_000)
  afterAll(() => server.destroy())

  const query = <Row>(database: string, sql: string) => Effect.promise(() => server.query<Row>(sql, database))
  const clientOf = (database: string) => MysqlClient.layer(server.connection(database))
  const migrate = (database: string, options: Migrations.MigrateOptions = {}) =>
    Effect.provide(Migrations.migrate(options), clientOf(database))

  const outagesBefore = `SELECT CAST(COUNT(*) AS CHAR) AS n, CAST(SUM(end_time IS NULL) AS CHAR) AS open,
    CAST(CAST(SUM(UNIX_TIMESTAMP(start_time)) AS SIGNED) AS CHAR) AS starts,
    CAST(SUM(TIMESTAMPDIFF(SECOND, start_time, end_time)) AS CHAR) AS seconds FROM member_events`
  const usageBefore = (table: string) =>
    `SELECT CAST(SUM(hits) AS CHAR) AS total, GROUP_CONCAT(DISTINCT date ORDER BY date) AS days FROM ${table}`

  const schemaOf = (database: string) =>
    query<Record<string, unknown>>(
      database,
      `SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, COLLATION_NAME, EXTRA
      FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME <> 'endpoint_hash'
        AND TABLE_NAME IN ('member_events', 'requests', 'decisions', 'alert_threads')
      ORDER BY TABLE_NAME, COLUMN_NAME`
    )
  const indexesOf = (database: string) =>
    query<Record<string, unknown>>(
      database,
      `SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX) AS cols
      FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()
        AND TABLE_NAME IN ('member_events', 'requests', 'decisions', 'alert_threads')
      GROUP BY TABLE_NAME, INDEX_NAME, NON_UNIQUE ORDER BY TABLE_NAME, INDEX_NAME`
    )

  for (const shape of v2Shapes) {
    for (const numeric of [false, true]) {
      it.live(
        `of shape ${shape}, check types as ${numeric ? "numbers" : "text"}: keeps rows, times and totals`,
        () =>
          Effect.gen(function*() {
            const database = yield* Effect.promise(() => createV2(server, shape))
            yield* Effect.promise(() => fillOutages(server, database, outageRows, numeric))
            yield* Effect.promise(() => fillUsage(server, database, usageRows))
            const before = yield* query(database, outagesBefore)
            const used = yield* query(database, usageBefore("requests"))

            const plan = yield* migrate(database, { dryRun: true })
            assert.deepStrictEqual(plan.map((it) => it.migration), [
              "0001_outages",
              "0002_usage",
              "0003_alerts",
              "0004_usage_writers",
              "0005_certificates",
              "0006_alert_duty"
            ])
            assert.includeMembers(plan.flatMap((it) => it.steps).map((it) => it.rows), [outageRows, usageRows])
            assert.deepStrictEqual(yield* query(database, "SHOW TABLES LIKE 'schema%'"), [])

            const began = performance.now()
            const done = yield* migrate(database)
            if (isLarge) console.log(shape, numeric, Math.round(performance.now() - began), "ms")
            assert.deepStrictEqual(
              done.map((it) => it.steps.map(({ what }) => what)),
              plan.map((it) => it.steps.map(({ what }) => what))
            )
            assert.deepStrictEqual(yield* query(database, outagesBefore), before)
            assert.deepStrictEqual(yield* query(database, usageBefore("requests")), used)
            assert.deepStrictEqual(yield* query(database, usageBefore("requests_v2")), used)

            // The form of ours.
            assert.deepStrictEqual(
              yield* query(
                database,
                "SELECT check_type, MAX(status) AS s FROM member_events GROUP BY check_type ORDER BY 1"
              ),
              [{ check_type: "domain", s: 0 }, { check_type: "endpoint", s: 0 }, { check_type: "site", s: 0 }]
            )
            assert.deepStrictEqual(
              yield* query(
                database,
                `SELECT check_type, endpoint, domain_name FROM member_events WHERE id IN (2, 3, 4) ORDER BY id`
              ),
              [
                { check_type: "endpoint", endpoint: "wss://d2.example/x", domain_name: "d2.example" },
                { check_type: "site", endpoint: "", domain_name: "" },
                { check_type: "domain", endpoint: "", domain_name: "d4.example" }
              ]
            )
            const twice = yield* migrate(database)
            assert.deepStrictEqual(twice, [])

            const fresh = yield* Effect.promise(async () => {
              await server.query(`DROP DATABASE IF EXISTS fresh; CREATE DATABASE fresh CHARACTER SET utf8mb4`, "")
              return "fresh"
            })
            yield* migrate(fresh)
            assert.deepStrictEqual(yield* schemaOf(database), yield* schemaOf(fresh))
            assert.deepStrictEqual(yield* indexesOf(database), yield* indexesOf(fresh))
            assert.include(
              JSON.stringify(yield* indexesOf(fresh)),
              `"uniq_traffic_dedupe","NON_UNIQUE":0,"cols":"date,node_id,domain_name,member_name,network_asn,network_name,country_code,country_name,is_ipv6"`
            )

            yield* Effect.gen(function*() {
              const store = yield* OutageStore
              const all = yield* Stream.runCollect(store.find({}))
              assert.lengthOf(all, outageRows)
              assert.strictEqual(all[0]?.start, Date.parse("2025-10-26T00:31:01Z"))
              assert.deepStrictEqual(all[0]?.votes, { m1: true, m2: false })
              assert.isTrue(all[0]?.blip)
              const open = yield* Stream.runCollect(store.find({ open: true }))
              assert.lengthOf(open, outageRows / 1_000)
              // Taken over, they can be closed, and the target can fail again.
              const first = open[0]!
              yield* store.close(first.id, first.start + 1_000_000, false)
              yield* store.open(outage("o1", { target: first.target, start: march }))
              const usage = yield* Stream.runFold((yield* UsageStore).find({}), () => 0, (sum, row) => sum + row.hits)
              assert.strictEqual(String(usage), (used as ReadonlyArray<{ readonly total: string }>)[0]!.total)
              const none = yield* Stream.runHead((yield* UsageStore).find({ country: "??", asn: "", member: "(none)" }))
              assert.strictEqual(none._tag, "Some")
            }).pipe(Effect.provide(Store.layerSql.pipe(Layer.provide(clientOf(database)))))
          }),
        patience
      )
    }
  }

  it.live("with several open rows of one target: all rows are kept, the oldest stays open", () =>
    Effect.gen(function*() {
      const database = yield* Effect.promise(() => createV2(server, "collator"))
      const row = (type: string, endpoint: string, start: string) =>
        `('${type}', 'ping', ${endpoint}, 'A', NULL, 0, 0, '2026-01-0${start} 00:00:00')`
      yield* query(
        database,
        `INSERT INTO member_events (check_type, check_name, endpoint, member_name, domain_name, status, is_ipv6, start_time)
        VALUES ${row("site", "NULL", "3")}, ${row("1", "''", "2")}, ${row("site", "NULL", "1")}, ${
          row("site", "''", "4")
        }`
      )
      yield* migrate(database)
      const rows = yield* query<object>(
        database,
        "SELECT id, start_time, end_time, blip, additional_data FROM member_events ORDER BY id"
      )
      const note = `{"value":null,"geodns":{"duplicateOf":"v2-3"}}`
      assert.deepStrictEqual(rows.map((it): object => ({ ...it })), [
        {
          id: 1,
          start_time: "2026-01-03 00:00:00.000",
          end_time: "2026-01-03 00:00:00.000",
          blip: 1,
          additional_data: note
        },
        {
          id: 2,
          start_time: "2026-01-02 00:00:00.000",
          end_time: "2026-01-02 00:00:00.000",
          blip: 1,
          additional_data: note
        },
        { id: 3, start_time: "2026-01-01 00:00:00.000", end_time: null, blip: 0, additional_data: "null" },
        {
          id: 4,
          start_time: "2026-01-04 00:00:00.000",
          end_time: "2026-01-04 00:00:00.000",
          blip: 1,
          additional_data: note
        }
      ])
    }))

  it.live("whose migration is interrupted again and again ends the same", () =>
    Effect.gen(function*() {
      const database = yield* Effect.promise(() => createV2(server, "collator"))
      yield* Effect.promise(() => fillOutages(server, database, Math.max(3_000, outageRows), true))
      yield* Effect.promise(() => fillUsage(server, database, Math.max(80_000, usageRows)))
      const before = yield* query(database, outagesBefore)
      const used = yield* query(database, usageBefore("requests"))
      let interrupted = 0
      for (let round = 1; round <= 40; round++) {
        const fiber = yield* Effect.forkChild(Effect.exit(migrate(database)))
        // Sooner or later in each of its steps; by the connection, by kill -9, and by our own end.
        yield* Effect.sleep((20 + round * 25) * (isLarge ? 8 : 1))
        if (fiber.pollUnsafe() === undefined) {
          interrupted += 1
          if (round % 3 === 0) {
            yield* Effect.promise(() => server.kill())
            yield* Effect.promise(() => server.start())
          } else if (round % 3 === 1) {
            const ids = yield* query<{ readonly ID: number }>(
              database,
              "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()"
            )
            yield* Effect.forEach(ids, ({ ID }) => Effect.exit(query(database, `KILL ${ID}`)))
          } else yield* Fiber.interrupt(fiber)
        }
        const exit = yield* Fiber.await(fiber)
        if (Exit.isSuccess(exit) && Exit.isSuccess(exit.value)) break
      }
      assert.isAtLeast(interrupted, 3)
      yield* migrate(database)
      assert.deepStrictEqual(yield* query(database, outagesBefore), before)
      assert.deepStrictEqual(yield* query(database, usageBefore("requests")), used)
      assert.deepStrictEqual(yield* migrate(database), [])
    }), patience)

  it.live("two processes that migrate at once: one waits for the other", () =>
    Effect.gen(function*() {
      const database = yield* Effect.promise(() => createV2(server, "monitor"))
      yield* Effect.promise(() => fillOutages(server, database, 3_000, true))
      const used = yield* Effect.promise(() => fillUsage(server, database, 20_000)).pipe(
        Effect.andThen(query(database, usageBefore("requests")))
      )
      const done = yield* Effect.all([migrate(database), migrate(database)], { concurrency: 2 })
      assert.sameMembers(done.map((it) => it.length), [mysqlMigrations(0).length, 0])
      assert.deepStrictEqual(yield* query(database, usageBefore("requests")), used)
    }))

  it.live("waits untouched for who holds the lock, and whoever waits with it is in nobody's way", () =>
    Effect.gen(function*() {
      const database = yield* Effect.promise(() => createV2(server, "collator"))
      const plan = yield* migrate(database, { dryRun: true })
      const before = yield* schemaOf(database)
      const migrating = yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* Effect.flatMap(
          sql.reserve,
          (it) => it.execute("SELECT GET_LOCK(?, 0)", [`geodns ${database}`], undefined)
        )
        const fibers = [yield* Effect.forkDetach(migrate(database)), yield* Effect.forkDetach(migrate(database))]
        yield* query(database, "SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE = 'User lock'").pipe(
          Effect.repeat({ until: (rows) => rows.length === 2, schedule: Schedule.spaced("20 millis") }),
          Effect.timeout("15 seconds")
        )
        assert.deepStrictEqual(yield* schemaOf(database), before)
        // The one who holds it, and not the two who wait.
        const others = yield* Effect.provide(Migrations.inTheWay(plan), clientOf(database))
        assert.lengthOf(others, 1)
        return fibers
      }).pipe(Effect.scoped, Effect.provide(clientOf(database)))
      const done = yield* Effect.forEach(migrating, (fiber) => Fiber.join(fiber))
      assert.sameMembers(done.map((it) => it.length), [mysqlMigrations(0).length, 0])
    }))

  it.live("that v2 still writes to after the migration: it is seen, and taken over by the next migration", () =>
    Effect.gen(function*() {
      const database = yield* Effect.promise(() => createV2(server, "collator"))
      yield* migrate(database)
      yield* Effect.flatMap(OutageStore, (it) => it.open(outage("o1"))).pipe(
        Effect.provide(Store.layerSql.pipe(Layer.provide(clientOf(database))))
      )
      yield* query(
        database,
        `INSERT INTO member_events (check_type, check_name, endpoint, member_name, domain_name, status, is_ipv6, error,
          vote_data) VALUES ('3', 'wss', 'wss://other', 'A', 'other', 0, 0, 'x', '{"m1": true}');
        UPDATE member_events SET status = 1, end_time = '2026-03-01 00:10:00' WHERE outage_id = 'o1'`
      )
      const plan = yield* migrate(database, { dryRun: true })
      assert.deepStrictEqual(plan.map((it) => [it.migration, it.steps[0]?.rows]), [["rows of v2", 2]])
      yield* migrate(database)
      assert.deepStrictEqual(yield* migrate(database), [])
      yield* Effect.gen(function*() {
        const it = yield* OutageStore
        const all = yield* Stream.runCollect(it.find({}))
        assert.deepStrictEqual(all.map((one) => [one.id, one.target.checkType, one.end]), [
          ["o1", "endpoint", march + 600_000],
          ["v2-2", "endpoint", undefined]
        ])
        assert.deepStrictEqual(all[1]?.target, target({ member: "A", domain: "other", endpoint: "wss://other" }))
      }).pipe(Effect.provide(Store.layerSql.pipe(Layer.provide(clientOf(database)))))
    }))

  it.live("with rows whose times are none: all are kept and read, what is open stays open", () =>
    Effect.gen(function*() {
      const database = yield* Effect.promise(() => createV2(server, "collator"))
      const row = (check: string, status: number, start: string, end: string) =>
        `('site', '${check}', '', 'A', '', ${status}, 0, '${start}', ${end}, '{"a": 1}')`
      const zero = "0000-00-00 00:00:00"
      const began = "2026-01-01 00:00:00"
      const ended = "2026-01-02 00:00:00"
      yield* query(
        database,
        `SET sql_mode = ''; INSERT INTO member_events (check_type, check_name, endpoint, member_name, domain_name,
           status, is_ipv6, start_time, end_time, additional_data)
        VALUES ${
          [
            row("no start", 1, zero, `'${ended}'`),
            row("no end, open", 0, began, `'${zero}'`),
            row("no end, closed", 1, began, `'${zero}'`),
            row("Go", 0, began, "'0001-01-01 00:00:00'"),
            row("nothing", 1, zero, `'${zero}'`),
            row("no month", 1, "2026-00-10 00:00:00", `'${ended}'`),
            row("open", 0, zero, "NULL")
          ].join(", ")
        }; INSERT INTO requests (date, node_id, domain_name, member_name, network_asn, network_name, country_code,
          country_name, is_ipv6, hits) VALUES ('0000-00-00', 'dns-1', 'a.example', 'A', '', '', 'DE', 'Germany', 0, 7)`
      )
      const check = Effect.gen(function*() {
        const all = yield* Stream.runCollect((yield* OutageStore).find({}))
        assert.lengthOf(all, 7)
        const times = Object.fromEntries(all.map((it) => [it.target.check, [it.start, it.end]]))
        const { open, ...dated } = times
        const [start, end] = [Date.parse(`${began}Z`), Date.parse(`${ended}Z`)]
        assert.deepStrictEqual<unknown>(dated, {
          "no start": [end, end],
          "no end, open": [start, undefined],
          "no end, closed": [start, start],
          Go: [start, undefined],
          nothing: [0, 0],
          "no month": [end, end]
        })
        assert.isUndefined(open?.[1])
        assert.isAtLeast(open?.[0] ?? 0, march)
        const data = all.find((it) => it.target.check === "no start")?.data
        assert.deepStrictEqual<unknown>(data, { a: 1, geodns: { v2: { start_time: `${zero}.000` } } })
        assert.deepStrictEqual((yield* Stream.runCollect((yield* UsageStore).find({}))).map((it) => it.hits), [7])
      }).pipe(Effect.provide(Store.layerSql.pipe(Layer.provide(clientOf(database)))))
      const done = yield* migrate(database)
      assert.include(JSON.stringify(done), "rows whose start is no time, begun when they ended or, still open, now")
      assert.include(JSON.stringify(done), "additional_data: 4")
      yield* check
      assert.deepStrictEqual(yield* migrate(database), [])
    }))

  it.live("whose rows are not what they should be: one that cannot be read is left out and told, the others are read", () =>
    Effect.gen(function*() {
      const database = yield* Effect.promise(() => createV2(server, "collator"))
      yield* Effect.gen(function*() {
        const store = yield* OutageStore
        for (const id of ["o1", "o2", "o3"]) yield* store.open(outage(id, { target: target({ check: id }) }))
        yield* query(database, "UPDATE member_events SET start_time = '0000-00-00 00:00:00' WHERE outage_id = 'o2'")
        for (let i = 0; i < 2; i++) {
          assert.deepStrictEqual((yield* Stream.runCollect(store.find({}))).map((it) => it.id), ["o1", "o3"])
        }
        const conditions = yield* (yield* Conditions).current
        assert.deepStrictEqual(conditions.map((it) => it.name), ["store:row"])
        assert.include(conditions[0]?.detail, "1 rows of member_events cannot be read")
        assert.include(conditions[0]?.detail, "o2: its start_time 0000-00-00 00:00:00.000 is no time")
      }).pipe(
        Effect.provide(Store.layerSql.pipe(Layer.provide(clientOf(database)), Layer.provideMerge(Conditions.layer)))
      )
    }))

  it.live("of which v2 closes an open row while it is taken over: the end that v2 wrote stays", () =>
    Effect.gen(function*() {
      const database = yield* Effect.promise(() => createV2(server, "collator"))
      yield* migrate(database)
      yield* query(
        database,
        `INSERT INTO member_events (check_type, check_name, member_name, status, start_time)
        VALUES ('site', 'ping', 'A', 0, '2026-01-01 00:00:00')`
      )
      // v2's change is made and not committed when the migration reads the row, so it reads an open one, and then waits.
      const taking = yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        return yield* sql.withTransaction(Effect.gen(function*() {
          yield* sql`UPDATE member_events SET status = 1, end_time = '2026-01-02 00:00:00' WHERE id = 1`
          const fiber = yield* Effect.forkDetach(migrate(database))
          const waits = query(database, "SELECT 1 FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'")
          // The table is a copy that is made anew only when nobody has read it for 100 ms.
          yield* Effect.repeat(waits, { until: (rows) => rows.length > 0, schedule: Schedule.spaced("250 millis") })
          return fiber
        }))
      }).pipe(Effect.provide(clientOf(database)), Effect.timeout("20 seconds"))
      yield* Fiber.join(taking)
      yield* migrate(database)
      const rows = yield* query<object>(database, "SELECT outage_id, end_time FROM member_events")
      assert.deepStrictEqual(rows.map((it): object => ({ ...it })), [
        { outage_id: "v2-1", end_time: "2026-01-02 00:00:00.000" }
      ])
    }))

  it.live("with usage in upper and lower case, as it is counted here: domains in lower case, added up", () =>
    Effect.gen(function*() {
      const database = yield* Effect.promise(() => createV2(server, "collator"))
      const row = (domain: string, node: string, hits: number) =>
        `('2026-01-01', '${node}', '${domain}', 'A', 'AS1', 'n', 'DE', 'Germany', 0, ${hits})`
      // A v2 database may be without its index.
      yield* query(
        database,
        `ALTER TABLE requests DROP INDEX uniq_traffic_dedupe; INSERT INTO requests (date, node_id, domain_name, member_name,
          network_asn, network_name, country_code, country_name, is_ipv6, hits)
        VALUES ${row("RPC.Example", "dns-1", 5)}, ${row("rpc.example", "dns-1", 7)}, ${row("rpc.EXAMPLE", "dns-2", 1)}`
      )
      yield* migrate(database)
      const rows = yield* query<object>(database, "SELECT domain_name, node_id, hits FROM requests ORDER BY node_id")
      assert.deepStrictEqual(rows.map((it): object => ({ ...it })), [
        { domain_name: "rpc.example", node_id: "dns-1", hits: 12 },
        { domain_name: "rpc.example", node_id: "dns-2", hits: 1 }
      ])
    }))

  it.live("into which a v2 collector writes usage after the migration: what we count ourselves is not doubled, and told", () =>
    Effect.gen(function*() {
      const database = yield* Effect.promise(() => createV2(server, "collator"))
      const day = new Date(yield* Clock.currentTimeMillis).toISOString().slice(0, 10)
      const write = (node: string, domain: string, hits: number) =>
        query(
          database,
          `INSERT INTO requests (date, node_id, domain_name, member_name, network_asn, network_name, country_code,
            country_name, is_ipv6, hits)
          VALUES ('${day}', '${node}', '${domain}', 'A', 'AS1', 'n', 'DE', 'Germany', 0, ${hits})
          ON DUPLICATE KEY UPDATE hits = VALUES(hits)`
        )
      // Of the day on which the nodes became ours.
      yield* write("dns-1", "before.example", 3)
      yield* write("dns-1", "both.example", 3)
      yield* migrate(database)
      yield* Effect.gen(function*() {
        const store = yield* UsageStore
        const key = {
          day,
          domain: "a.example",
          member: "A",
          asn: "AS1",
          network: "n",
          country: "DE",
          countryName: "Germany"
        }
        const total = Stream.runFold(store.find({}), () => 0, (sum, row) => sum + row.hits)
        const condition = Effect.gen(function*() {
          yield* lookForForeignWriters
          return (yield* (yield* Conditions).current)[0]?.detail
        })
        const upsert = (node: string, writer: string, hits: number) =>
          store.upsert([{ ...key, node, writer, hits, ipv6: false }])
        yield* upsert("dns-1", "w1", 100)
        yield* upsert("dns-1", "w2", 10)
        yield* upsert("old", "", 20)
        yield* upsert("old", "", 21)
        assert.strictEqual(yield* total, 3 + 3 + 100 + 10 + 21)
        assert.isUndefined(yield* condition)
        // The node told v2's collector the sum of its writers; an old node told both of us the same.
        yield* write("dns-1", "a.example", 110)
        yield* write("old", "a.example", 22)
        yield* write("older", "a.example", 1)
        assert.strictEqual(yield* total, 3 + 3 + 100 + 10 + 22 + 1)
        assert.include(yield* condition, `dns-1 on ${day} (1 rows)`)
        assert.notInclude(yield* condition, "old")
        // So did what it had told v2 before, and told again with more.
        yield* write("dns-1", "both.example", 5)
        assert.strictEqual(yield* total, 3 + 100 + 10 + 22 + 1)
        assert.include(yield* condition, `dns-1 on ${day} (2 rows)`)
        yield* query(database, `DELETE FROM requests WHERE node_id = 'dns-1' AND foreign_at IS NOT NULL`)
        assert.isUndefined(yield* condition)
      }).pipe(
        Effect.provide(Store.layerSql.pipe(
          Layer.provideMerge(clientOf(database)),
          Layer.provideMerge(Conditions.layer)
        ))
      )
    }))

  it.live("of a newer version is refused", () =>
    Effect.gen(function*() {
      const database = yield* Effect.promise(() => createV2(server, "collator"))
      yield* migrate(database)
      yield* query(database, "INSERT INTO schema_migrations (migration_id, name) VALUES (99, 'from_the_future')")
      const error = yield* Effect.flip(migrate(database))
      assert.strictEqual(error.reason._tag, "BadSchema")
      assert.include(error.message, "from_the_future")
      assert.strictEqual(
        yield* Effect.provide(SqlClient.SqlClient.use((sql) => sql`SELECT 1`), clientOf(database)).pipe(
          Effect.map((rows) => rows.length)
        ),
        1
      )
    }))
})
