import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { createConnection } from "mysql2/promise"
import { afterAll, beforeAll } from "vitest"
import { MysqlClient, Store } from "../../src/store/index.ts"
import { MariaDb } from "../servers/MariaDb.ts"
import { describeWith, mariadb } from "../servers/Server.ts"
import { newDatabase } from "../store/MariaDb.databases.ts"
import { createV2, fillOutages, fillUsage } from "../store/v2Database.ts"
import { eventually, run, start } from "./geodns.ts"
import { command } from "./inProcess.ts"
import { fillStores, writeLocal } from "./storeSamples.ts"

const outageRows = 2_000
const usageRows = 3_000

describeWith(mariadb, "geodns outages, usage and store on MariaDB", () => {
  let server: MariaDb
  beforeAll(async () => {
    server = await MariaDb.create({ arguments: ["--innodb-flush-log-at-trx-commit=2"] })
    await server.query("CREATE USER geodns@'%' IDENTIFIED BY 'right'; GRANT ALL ON *.* TO geodns@'%'", "")
  }, 60_000)
  afterAll(() => server.destroy())

  const query = <Row>(database: string, sql: string) => Effect.promise(() => server.query<Row>(sql, database))
  const localOf = (database: string, over: Readonly<Record<string, string>> = {}) =>
    Effect.map(
      writeLocal({
        Mysql: { Host: server.host, Port: String(server.port), User: "geodns", Pass: "right", DB: database, ...over }
      }),
      ({ file }) => file
    )

  /** All tables of a database: how they are made, and what they hold. */
  const snapshot = (database: string) =>
    Effect.gen(function*() {
      const tables = yield* query<{ readonly name: string }>(
        database,
        "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1"
      )
      return yield* Effect.forEach(tables, ({ name }) =>
        Effect.all([
          query(database, `SHOW CREATE TABLE ${name}`),
          query(database, `CHECKSUM TABLE ${name} EXTENDED`),
          query(database, `SELECT COUNT(*) AS n FROM ${name}`)
        ]))
    })

  /** A connection that stays, as of a process of v2 or of somebody else. */
  const session = (database: string, user: string, password: string) =>
    Effect.acquireRelease(
      Effect.promise(() => createConnection({ host: server.host, port: server.port, user, password, database })),
      (connection) => Effect.sync(() => connection.destroy())
    )

  const v2 = Effect.gen(function*() {
    const database = yield* Effect.promise(() => createV2(server, "collator"))
    yield* Effect.promise(() => fillOutages(server, database, outageRows, true))
    yield* Effect.promise(() => fillUsage(server, database, usageRows))
    return { database, file: yield* localOf(database) }
  })

  it.live(
    "a database of v2: a dry run changes nothing, the migration takes all over, a second finds nothing to do",
    () =>
      Effect.gen(function*() {
        const { database, file } = yield* v2
        const [used] = yield* query<{ readonly total: string }>(
          database,
          "SELECT CAST(SUM(hits) AS CHAR) AS total FROM requests"
        )
        const before = yield* snapshot(database)
        for (const name of ["outages", "usage"]) {
          assert.include((yield* command([name, "--config", file])).stderr, "geodns store migrate --dry-run")
        }
        const plan = yield* run("store", "migrate", "--dry-run", "--config", file)
        assert.strictEqual(plan.code, 0, plan.stderr)
        assert.match(plan.stdout, /^0001_outages\n {2}1\. drop the unique key .*\n {7}ALTER TABLE member_events DROP/m)
        assert.match(plan.stdout, /give member_events the columns .* \(2000 rows\)\n {7}ALTER TABLE member_events\n/)
        assert.match(plan.stdout, /copy the rows of requests_v2 into requests.* \(3000 rows\)\n {7}START TRANSACTION;/)
        assert.notInclude(plan.stdout, "Stop first")
        const planned = JSON.parse(
          (yield* command(["store", "migrate", "--dry-run", "--json", "--config", file])).stdout
        )
        assert.deepStrictEqual(planned.migrations.map((it: any) => it.migration), [
          "0001_outages",
          "0002_usage",
          "0003_alerts",
          "0004_usage_writers",
          "0005_certificates",
          "0006_alert_duty"
        ])
        for (const { steps } of planned.migrations) {
          for (const { sql, what } of steps) assert.isNotEmpty(sql, what)
        }
        assert.deepStrictEqual(yield* snapshot(database), before)

        const done = yield* run("store", "migrate", "--config", file)
        assert.strictEqual(done.code, 0, done.stderr)
        assert.strictEqual(done.stderr, "")
        assert.include(done.stdout, "v2's own rows stay in requests_v2: drop it when you have compared the totals")
        const migrated = yield* snapshot(database)
        assert.notDeepEqual(migrated, before)
        const again = yield* run("store", "migrate", "--config", file)
        assert.strictEqual(again.code, 0)
        assert.include(again.stdout, "nothing is to be done")
        assert.deepStrictEqual(yield* snapshot(database), migrated)

        const period = ["--from", "2025-01", "--to", "2026-12", "--config", file]
        const outages = JSON.parse((yield* command(["outages", "--json", ...period])).stdout).outages
        assert.lengthOf(outages, outageRows)
        assert.deepInclude(outages[0], { id: "v2-1", start: "2025-10-26T00:31:01.000Z", error: "timeout" })
        const open = JSON.parse((yield* command(["outages", "--json", "--open", ...period])).stdout).outages
        assert.lengthOf(open, outageRows / 1_000)
        const csv = (yield* command(["outages", "--csv", "--member", "Member 7", ...period])).stdout.split("\n")
        assert.lengthOf(csv, 1 + outageRows / 50)
        const usage = JSON.parse((yield* command(["usage", "--json", ...period])).stdout)
        assert.strictEqual(String(usage.total), used!.total)
        assert.isAbove(
          JSON.parse((yield* command(["usage", "--json", "--country", "??", ...period])).stdout).total,
          0
        )
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "is not migrated while a v2 process is connected, while another migrates, or over a copy that came back",
    () =>
      Effect.gen(function*() {
        const { database, file } = yield* v2
        const before = yield* snapshot(database)
        yield* Effect.gen(function*() {
          // A reader with a user of its own is in nobody's way.
          yield* session(database, "root", "")
          yield* session(database, "geodns", "right")
          const plan = yield* command(["store", "migrate", "--dry-run", "--config", file])
          assert.isTrue(plan.ok)
          assert.match(
            plan.stdout,
            /Stop first who uses the database as the same user: 1 connection from 127\.0\.0\.1:\d+/
          )
          const refused = yield* run("store", "migrate", "--config", file)
          assert.strictEqual(refused.code, 1)
          assert.match(
            refused.stderr,
            /1 other connection uses the database as the same user \(from 127.*stop the v2 processes.*then try again/
          )
          assert.deepStrictEqual(yield* snapshot(database), before)
        }).pipe(Effect.scoped)
        yield* Effect.gen(function*() {
          const other = yield* session("", "root", "")
          yield* Effect.promise(() => other.query(`SELECT GET_LOCK('geodns ${database}', 0)`))
          const locked = yield* run("store", "migrate", "--config", file)
          assert.strictEqual(locked.code, 1)
          assert.include(locked.stderr, "another process is migrating the database: wait until it is done")
          assert.deepStrictEqual(yield* snapshot(database), before)
        }).pipe(Effect.scoped)

        assert.isTrue((yield* command(["store", "migrate", "--config", file])).ok)
        yield* query(database, "DROP TABLE requests; RENAME TABLE requests_v2 TO requests")
        for (const args of [["store", "migrate"], ["usage"]]) {
          const { ok, stderr } = yield* command([...args, "--config", file])
          assert.isFalse(ok)
          assert.match(stderr, /requests came back from a copy of v2 .* read the copy into an empty database/)
        }
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "is migrated to the end after Ctrl-C in the midst of it",
    () =>
      Effect.gen(function*() {
        const { database, file } = yield* v2
        const migrating = yield* Effect.gen(function*() {
          // Somebody reads the table, and the server lets the migration wait.
          const reader = yield* session(database, "root", "")
          yield* Effect.promise(() => reader.query("LOCK TABLES member_events READ"))
          const geodns = yield* start(["store", "migrate", "--config", file])
          yield* eventually(
            "it waits for the table",
            Effect.map(
              query(database, "SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for table%'"),
              ([found]) => Option.fromUndefinedOr(found)
            )
          )
          yield* geodns.kill("SIGINT")
          return yield* geodns.ended
        }).pipe(Effect.scoped)
        assert.strictEqual(migrating.code, 130)
        assert.strictEqual(migrating.stdout, "")
        assert.include(migrating.stderr, "Interrupted. What is done stays done: run the same command again")
        const again = yield* run("store", "migrate", "--config", file)
        assert.strictEqual(again.code, 0, again.stderr)
        const rows = yield* query<{ readonly n: number }>(
          database,
          "SELECT COUNT(*) AS n FROM member_events WHERE outage_id IS NOT NULL"
        )
        assert.strictEqual(rows[0]?.n, outageRows)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "errors say in a sentence what to do, with the right exit code, and never the password",
    () =>
      Effect.gen(function*() {
        const wrong = { Pass: "planted-secret" }
        const cases = [
          [yield* localOf("geodns", wrong), /Access denied.*: check the user, the password and what the user may do/],
          [yield* localOf("nowhere"), /Unknown database 'nowhere'.*: create the database/],
          [
            yield* localOf("geodns", { ...wrong, Port: "1" }),
            /geodns at 127\.0\.0\.1:1 .*: check that the server runs/
          ],
          ["/nowhere/collator.json", /\/nowhere\/collator\.json/]
        ] as const
        const commands = [["store", "migrate"], ["store", "prune", "--before", "2020-01"], ["outages"]]
        for (const [i, [file, why]] of cases.entries()) {
          for (const args of i === 0 ? commands : commands.slice(i % 3, i % 3 + 1)) {
            const { code, stderr, stdout } = yield* run(...args, "--config", file)
            assert.strictEqual(code, 1)
            assert.strictEqual(stdout, "")
            assert.match(stderr, why)
            assert.notInclude(stderr, "planted-secret")
            assert.lengthOf(stderr.trim().split("\n").filter((line) => /^ {4}at /.test(line)), 0)
          }
        }
        const file = yield* localOf("geodns")
        assert.strictEqual((yield* run("store", "prune", "--config", file)).code, 2)
        assert.strictEqual((yield* run("store", "prune", "--before", "tomorrow", "--config", file)).code, 2)
        assert.strictEqual((yield* run("outages", "--from", "2026-05", "--to", "2026-04", "--config", file)).code, 2)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("read and prune as on SQLite", () =>
    Effect.gen(function*() {
      const config = yield* newDatabase(server)
      yield* Effect.provide(fillStores, Store.layerSql.pipe(Layer.provide(MysqlClient.layer(config))))
      // Rights to make tables are needed to migrate, and no longer.
      yield* query(
        "",
        `CREATE USER writer@'%' IDENTIFIED BY 'right'; GRANT SELECT, INSERT, UPDATE, DELETE ON ${config.database}.* TO writer@'%'`
      )
      const file = yield* localOf(config.database, { User: "writer" })
      assert.include((yield* command(["store", "migrate", "--config", file])).stdout, "nothing is to be done")
      const json = (...args: ReadonlyArray<string>) =>
        Effect.map(command([...args, "--config", file, "--json"]), ({ ok, stderr, stdout }) => {
          assert.isTrue(ok, stderr)
          return JSON.parse(stdout)
        })
      const ids = (...args: ReadonlyArray<string>) =>
        Effect.map(json("outages", ...args), ({ outages }) => outages.map((it: any) => it.id))
      assert.deepStrictEqual(yield* ids("--from", "2026-03"), ["o-a", "o-b"])
      assert.deepStrictEqual(yield* ids("--from", "2026-03", "--member", "Rhine Networks"), ["o-b"])
      assert.deepStrictEqual(yield* ids("--from", "2026-03", "--to", "2026-05", "--open"), ["o-c"])
      assert.deepStrictEqual((yield* json("usage", "--from", "2026-03", "--by", "country,asn")).lines, [
        { country: "BR Brazil", asn: `AS64501 Net, "B"`, hits: 100 },
        { country: "DE Germany", asn: "(unknown)", hits: 30 },
        { country: "DE Germany", asn: "AS64500 Example Net", hits: 12 }
      ])
      const before = yield* snapshot(config.database)
      const plan = yield* json("store", "prune", "--before", "2026-03-02", "--dry-run")
      assert.deepStrictEqual(plan.tables, [
        { table: "member_events", rows: 1, oldest: "2026-02-28 23:00:00.000", newest: "2026-02-28 23:00:00.000" },
        { table: "decisions", rows: 1, oldest: "2026-02-28 23:00:00.000", newest: "2026-02-28 23:00:00.000" },
        { table: "alert_threads", rows: 0, oldest: null, newest: null },
        { table: "requests", rows: 3, oldest: "2026-03-01", newest: "2026-03-01" }
      ])
      assert.deepStrictEqual(yield* snapshot(config.database), before)
      const done = yield* json("store", "prune", "--before", "2026-03-02")
      assert.deepStrictEqual(done.tables, plan.tables)
      assert.deepStrictEqual(yield* ids("--from", "2026-01", "--to", "2026-05"), ["o-b", "o-c"])
      assert.deepStrictEqual((yield* json("usage", "--from", "2026-03")).total, 100)
    }).pipe(Effect.scoped))
})
