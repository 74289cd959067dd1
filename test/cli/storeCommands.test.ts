import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Ref } from "effect"
import { SqlClient } from "effect/sql"
import { existsSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { SqliteClient, Store } from "../../src/store/index.ts"
import { command } from "./inProcess.ts"
import { fillStores, writeLocal } from "./storeSamples.ts"

/** A document whose SQLite file holds the samples, and the file as others see it. */
const filled = Effect.gen(function*() {
  const local = yield* writeLocal()
  yield* Effect.provide(fillStores, Store.layerSqlite({ filename: local.sqlite }))
  const database = yield* Effect.acquireRelease(
    Effect.sync(() => new DatabaseSync(local.sqlite, { timeout: 5_000 })),
    (database) => Effect.sync(() => database.close())
  )
  const all = (sql: string) => database.prepare(sql).all().map((row) => Object.values(row))
  const everything = () =>
    ["sqlite_schema", "member_events", "decisions", "requests", "schema_migrations"].map((table) =>
      all(`SELECT * FROM ${table} ORDER BY 1, 2, 3`)
    )
  return { ...local, database, all, everything }
})

describe("geodns store migrate", () => {
  it.live("says what is to be done and changes nothing, does it, and has nothing to do then", () =>
    Effect.gen(function*() {
      const { all, database, everything, file } = yield* filled
      const of = (...args: ReadonlyArray<string>) => command(["store", "migrate", "--config", file, ...args])
      const current = yield* of("--dry-run")
      assert.isTrue(current.ok, current.stderr)
      assert.match(current.stdout, /geodns\.sqlite: the tables are those of this version, nothing is to be done\./)

      database.exec("DROP TABLE alert_threads; DELETE FROM schema_migrations WHERE name = 'alerts'")
      const before = everything()
      const plan = yield* of("--dry-run")
      assert.isTrue(plan.ok, plan.stderr)
      assert.include(plan.stdout, "this is to be done, in this order. Nothing was changed.")
      assert.match(
        plan.stdout,
        /^0003_alerts\n {2}1\. make the table alert_threads\n {7}CREATE TABLE alert_threads \(\n/m
      )
      assert.match(
        plan.stdout,
        / {2}2\. make the index alert_threads_unfinished on alert_threads\n {7}CREATE INDEX [^;]*;$/m
      )
      const planned = JSON.parse((yield* of("--dry-run", "--json")).stdout)
      assert.strictEqual(planned.dryRun, true)
      assert.deepStrictEqual(planned.inTheWay, [])
      assert.deepStrictEqual(everything(), before)

      const done = yield* of("--json")
      assert.isTrue(done.ok, done.stderr)
      assert.deepStrictEqual(JSON.parse(done.stdout).migrations, planned.migrations)
      assert.deepStrictEqual(all("SELECT COUNT(*) FROM alert_threads"), [[0]])
      assert.deepStrictEqual(all("SELECT name FROM schema_migrations ORDER BY 1"), [
        ["alert_duty"],
        ["alerts"],
        ["certificates"],
        ["outages"],
        ["usage"]
      ])
      assert.deepStrictEqual(JSON.parse((yield* of("--json")).stdout).migrations, [])
      assert.include((yield* of()).stdout, "nothing is to be done")
    }).pipe(Effect.scoped))

  it.live("refuses a database of a newer version, and makes no file where none is", () =>
    Effect.gen(function*() {
      const { database, everything, file } = yield* filled
      database.exec("INSERT INTO schema_migrations (migration_id, name) VALUES (99, 'from_the_future')")
      const before = everything()
      for (const args of [["migrate"], ["migrate", "--dry-run"], ["prune", "--before", "2026-03"]]) {
        const { ok, stderr, stdout } = yield* command(["store", ...args, "--config", file])
        assert.isFalse(ok)
        assert.strictEqual(stdout, "")
        assert.include(stderr, "a newer version has changed this database (from_the_future): start that version")
      }
      assert.deepStrictEqual(everything(), before)
      const none = yield* writeLocal()
      assert.include(
        (yield* command(["store", "migrate", "--config", none.file])).stderr,
        "no collator or standalone node of this document has written it yet"
      )
      assert.isFalse(existsSync(none.sqlite))
    }).pipe(Effect.scoped))
})

describe("geodns store prune", () => {
  it.live("says what would go, removes just that, and leaves what is open or ended later", () =>
    Effect.gen(function*() {
      const { all, everything, file } = yield* filled
      const of = (...args: ReadonlyArray<string>) => command(["store", "prune", "--config", file, ...args])
      const before = everything()
      const plan = yield* of("--before", "2026-03-02", "--dry-run")
      assert.isTrue(plan.ok, plan.stderr)
      assert.match(plan.stdout, /^member_events +outages +1 +2026-02-28 23:00:00 +2026-02-28 23:00:00$/m)
      assert.match(plan.stdout, /^decisions +their decisions +1 /m)
      assert.match(plan.stdout, /^requests +usage +3 +2026-03-01 +2026-03-01$/m)
      assert.include(
        plan.stdout,
        "what ended or was counted before 2026-03-02, UTC; open outages stay. Nothing was removed"
      )
      assert.notInclude(plan.stdout, "35 days")
      // What ended on the first of March belongs to March.
      const month = yield* of("--before", "2026-03", "--dry-run", "--json")
      assert.deepStrictEqual(JSON.parse(month.stdout).tables.map((it: any) => it.rows), [0, 0, 0, 0])
      assert.deepStrictEqual(everything(), before)

      const done = JSON.parse((yield* of("--before", "2026-03-02", "--json")).stdout)
      assert.deepStrictEqual(done.before, "2026-03-02")
      assert.deepStrictEqual(
        done.tables.map((it: any) => [it.table, it.rows, it.newest]),
        [
          ["member_events", 1, "2026-02-28 23:00:00.000"],
          ["decisions", 1, "2026-02-28 23:00:00.000"],
          ["alert_threads", 0, null],
          ["requests", 3, "2026-03-01"]
        ]
      )
      assert.deepStrictEqual(all("SELECT outage_id FROM member_events ORDER BY 1"), [["o-b"], ["o-c"]])
      assert.deepStrictEqual(all("SELECT date, hits FROM requests"), [["2026-03-02", 100]])

      // The open one stays, however old.
      const rest = yield* of("--before", new Date().toISOString().slice(0, 10))
      assert.include(rest.stdout, "DNS nodes keep their usage for 35 days")
      assert.deepStrictEqual(all("SELECT outage_id FROM member_events"), [["o-c"]])
      assert.match((yield* of("--before", "2026-04")).stdout, /^member_events +outages +0$/m)
    }).pipe(Effect.scoped))

  it.live("wants a day that is not still to come", () =>
    Effect.gen(function*() {
      const { everything, file } = yield* filled
      const before = everything()
      for (
        const [args, why] of [
          [[], "--before"],
          [["--before", "2026"], `"2026". Expected: a day or a month`],
          [["--before", "2026-02-29"], `"2026-02-29". Expected: a day or a month`],
          [["--before", "2999-01"], "--before 2999-01-01 is still to come"]
        ] as const
      ) {
        const { ok, stderr } = yield* command(["store", "prune", "--config", file, ...args])
        assert.isFalse(ok)
        assert.include(stderr, why)
      }
      assert.deepStrictEqual(everything(), before)
    }).pipe(Effect.scoped))

  it.live("lets a node write all the while", () =>
    Effect.gen(function*() {
      const { all, database, file, sqlite } = yield* filled
      const rows = 60_000
      database.exec(`
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
        INSERT INTO requests SELECT '2025-01-01', 'n~w', 'd' || i, 'm', '', '', '??', 'Unknown', 0, 1 FROM n`)
      const meanwhile = yield* Ref.make(0)
      // Less patient than a node is.
      const node = Context.get(
        yield* Layer.build(SqliteClient.layer({ filename: sqlite, busyTimeout: "1 second" })),
        SqlClient.SqlClient
      )
      const left = node<{ readonly n: number }>`SELECT COUNT(*) AS n FROM requests WHERE date = '2025-01-01'`
      const writing = yield* Effect.forkChild(Effect.forever(Effect.gen(function*() {
        yield* node`UPDATE requests SET hits = hits + 1 WHERE date = '2026-03-02'`
        const [row] = yield* left
        if (row!.n > 0 && row!.n < rows) yield* Ref.update(meanwhile, (n) => n + 1)
        yield* Effect.sleep("5 millis")
      })))
      const done = yield* command(["store", "prune", "--before", "2025-02", "--config", file, "--json"])
      assert.isTrue(done.ok, done.stderr)
      assert.strictEqual(JSON.parse(done.stdout).tables[3].rows, rows)
      assert.isUndefined(writing.pollUnsafe(), "no write was refused")
      yield* Fiber.interrupt(writing)
      assert.isAtLeast(yield* Ref.get(meanwhile), 3)
      assert.deepStrictEqual(all("SELECT COUNT(*) FROM requests"), [[4]])
    }).pipe(Effect.scoped), 120_000)
})
