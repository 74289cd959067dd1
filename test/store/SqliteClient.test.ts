import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Deferred, Effect, Exit, Fiber, Layer, Schedule, Scope, Stream } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { OutageStore, SqliteClient, Store, StoreError } from "../../src/store/index.ts"
import { temporaryFolder } from "./databases.ts"
import { march, minute, outage, target } from "./samples.ts"

/** A client of its own, as another process would have it. */
const client = (filename: string, over: Partial<SqliteClient.SqliteClientConfig> = {}) =>
  Effect.map(
    Layer.build(Layer.fresh(SqliteClient.layer({ filename, ...over }))),
    (context) => SqlClient.SqlClient.pipe(Effect.provide(context))
  ).pipe(Effect.flatten)

const inMemory = Effect.provide(SqliteClient.layer({ filename: ":memory:" }))

const reasonOf = <A, R>(effect: Effect.Effect<A, SqlError.SqlError, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

describe("SqliteClient", () => {
  it.effect("runs statements, and binds what people give", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE t (a TEXT, b INTEGER) STRICT`
      yield* sql`INSERT INTO t ${sql.insert([{ a: "x", b: true }, { a: null, b: undefined }])}`
      yield* sql`INSERT INTO t VALUES (${new Date(march)}, ${5n})`
      const rows = yield* sql<{ readonly a: string | null; readonly b: number | null }>`SELECT * FROM t`
      assert.deepStrictEqual(rows.map((row) => [row.a, row.b]), [["x", 1], [null, null], [
        "2026-03-01T00:00:00.000Z",
        5
      ]])
      assert.deepStrictEqual(yield* sql`SELECT a, b FROM t LIMIT 1`.values, [["x", 1]])
      assert.deepStrictEqual((yield* sql`SELECT a FROM t LIMIT 1`.unprepared).map((row) => ({ ...row })), [{ a: "x" }])
      const raw = (yield* sql`DELETE FROM t`.raw) as { readonly changes: number }
      assert.strictEqual(raw.changes, 3)
    }).pipe(inMemory))

  it.effect("sorts errors into their reasons", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL UNIQUE CHECK (b <> '')) STRICT`
      yield* sql`INSERT INTO t VALUES (1, 'x')`
      const primary = yield* reasonOf(sql`INSERT INTO t VALUES (1, 'y')`)
      assert.strictEqual(primary._tag, "UniqueViolation")
      assert.strictEqual(primary._tag === "UniqueViolation" && primary.constraint, "t.a")
      const unique = yield* reasonOf(sql`INSERT INTO t VALUES (2, 'x')`)
      assert.strictEqual(unique._tag === "UniqueViolation" && unique.constraint, "t.b")
      for (const bad of [sql`INSERT INTO t VALUES (2, NULL)`, sql`INSERT INTO t VALUES (2, '')`]) {
        assert.strictEqual((yield* reasonOf(bad))._tag, "ConstraintError")
      }
      const syntax = yield* reasonOf(sql`SELEKT 1`)
      assert.strictEqual(syntax._tag, "SqlSyntaxError")
      assert.include(syntax.message ?? "", "SELEKT")
      assert.strictEqual((yield* reasonOf(sql`SELECT ${{ not: "bindable" }}`))._tag, "UnknownError")
      assert.strictEqual((yield* reasonOf(sql`SELECT 9007199254740993 AS big`))._tag, "UnknownError")
    }).pipe(inMemory))

  it.effect("a full disk is worth another try, and says what to do", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE t (a TEXT)`
      yield* sql`PRAGMA max_page_count = 4`
      const error = yield* Effect.flip(sql`INSERT INTO t VALUES (${"x".repeat(100_000)})`)
      assert.strictEqual(error.reason._tag, "ConnectionError")
      assert.isTrue(error.isRetryable)
      assert.include(error.message, "make room on the disk")
    }).pipe(inMemory))

  it.effect("a failed transaction leaves nothing, and the next one works", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE t (a INTEGER PRIMARY KEY)`
      const failing = sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (1)`, sql`INSERT INTO t VALUES (1)`))
      assert.strictEqual((yield* reasonOf(failing))._tag, "UniqueViolation")
      yield* sql.withTransaction(sql`INSERT INTO t VALUES (2)`)
      assert.deepStrictEqual(yield* sql`SELECT a FROM t`.values, [[2]])
    }).pipe(inMemory))

  it.effect("forgets the statements that were not used for long, and still runs them", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < 250; i++) assert.deepStrictEqual(yield* sql.unsafe(`SELECT ${i} AS a`).values, [[i]])
      }
    }).pipe(inMemory))

  it.live("streams a large result with turns for the event loop, and gives the connection back", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const numbers = sql<{ readonly n: number }>`
        WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 20000) SELECT n FROM t`.stream
      let turns = 0
      const ticker = setInterval(() => turns++, 0)
      const sum = yield* Stream.runFold(numbers, () => 0, (all, row) => all + row.n)
      clearInterval(ticker)
      assert.strictEqual(sum, 20000 * 20001 / 2)
      assert.isAbove(turns, 2)
      assert.lengthOf(yield* Stream.runCollect(Stream.take(numbers, 150)), 150)
      assert.deepStrictEqual(yield* sql`SELECT 1 AS a`.values, [[1]])
      assert.strictEqual((yield* reasonOf(Stream.runDrain(sql`SELECT * FROM nowhere`.stream)))._tag, "SqlSyntaxError")
    }).pipe(inMemory))

  it.effect("creates the folder, uses a write-ahead log, and keeps the data", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryFolder, "a/b/geodns.db")
      const scope = yield* Scope.make()
      const sql = yield* Scope.provide(client(filename), scope)
      assert.deepStrictEqual(yield* sql`PRAGMA journal_mode`.values, [["wal"]])
      assert.deepStrictEqual(yield* sql`PRAGMA synchronous`.values, [[1]])
      yield* sql`CREATE TABLE t AS SELECT 7 AS a`
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(existsSync(`${filename}-wal`))
      const again = yield* client(filename, { synchronous: "full" })
      assert.deepStrictEqual(yield* again`SELECT a FROM t`.values, [[7]])
      assert.deepStrictEqual(yield* again`PRAGMA synchronous`.values, [[2]])
    }))

  it.effect("says what is wrong with a path and what to do", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const file = join(folder, "file")
      writeFileSync(file, "this is no database, and longer than the header of one would have to be".repeat(9))
      mkdirSync(join(folder, "folder.db"))
      const paths = [join(file, "below.db"), join(folder, "folder.db"), "/proc/geodns/geodns.db"]
      for (const path of paths) {
        const error = yield* Effect.flip(Effect.scoped(client(path)))
        assert.strictEqual(error.reason._tag, "ConnectionError")
        assert.include(error.message, path)
        assert.include(error.message, "check that the path is right")
      }
      const noDatabase = yield* Effect.flip(Effect.scoped(client(file)))
      assert.include(noDatabase.message, "no intact SQLite database")
      const store = yield* Effect.flip(Effect.scoped(Layer.build(Store.layerSqlite({ filename: file }))))
      assert.instanceOf(store, StoreError)
      assert.include(store.message, file)
    }))

  it.effect("takes its options from Config", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryFolder, "geodns.db")
      const layer = SqliteClient.layerConfig({
        filename: Config.String("DATABASE"),
        busyTimeout: Config.Duration("BUSY").pipe(Config.withDefault("1 second" as const))
      })
      const found = SqlClient.SqlClient.use((sql) => sql`SELECT 1 AS a`.values).pipe(Effect.provide(layer))
      const given = ConfigProvider.layer(ConfigProvider.fromUnknown({ DATABASE: filename }))
      assert.deepStrictEqual(yield* Effect.provide(found, given), [[1]])
      assert.isTrue(existsSync(filename))
      const missing = yield* Effect.flip(Effect.provide(found, ConfigProvider.layer(ConfigProvider.fromUnknown({}))))
      assert.strictEqual(missing._tag, "ConfigError")
    }))

  it("prints no warning when it is loaded, and hides no other", () => {
    const script = `
      import { nodeSqlite } from "${new URL("../../src/store/nodeSqlite.ts", import.meta.url).href}"
      new (nodeSqlite().DatabaseSync)(":memory:").close()
      process.emitWarning("of somebody else", "ExperimentalWarning")
    `
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" })
    assert.strictEqual(run.status, 0, run.stderr)
    assert.notInclude(run.stderr, "SQLite")
    assert.include(run.stderr, "of somebody else")
  })
})

describe("the thread of a SQLite file", () => {
  it.live("leaves the event loop free while a statement runs, and streams flat", () =>
    Effect.gen(function*() {
      const sql = yield* client(join(yield* temporaryFolder, "geodns.db"))
      yield* sql`CREATE TABLE t (n INTEGER, fill TEXT)`
      let longest = 0
      let last = performance.now()
      const ticker = setInterval(() => {
        longest = Math.max(longest, performance.now() - last)
        last = performance.now()
      }, 1)
      const began = performance.now()
      yield* sql`INSERT INTO t WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 300000)
        SELECT n, hex(zeroblob(50)) FROM s`
      const took = performance.now() - began
      yield* Effect.sleep("2 millis")
      clearInterval(ticker)
      // As a share of what the statement takes: the machine may be busy with other things.
      assert.isBelow(longest, Math.max(took * 0.7, 50))
      const count = yield* Stream.runFold(sql`SELECT n, fill FROM t`.stream, () => 0, (n) => n + 1)
      assert.strictEqual(count, 300_000)
    }))

  it.live("dies with an error, and the next statement has another; a transaction does not go on", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryFolder, "geodns.db")
      const sql = yield* client(filename, { statementTimeout: "500 millis" })
      yield* sql`CREATE TABLE t (a INTEGER)`
      const long = sql`WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 6000000)
        SELECT COUNT(*) FROM s`
      const inside = yield* Effect.flip(
        sql.withTransaction(Effect.gen(function*() {
          yield* sql`INSERT INTO t VALUES (1)`
          const error = yield* Effect.orDie(reasonOf(long))
          assert.strictEqual(error._tag, "StatementTimeoutError")
          yield* sql`INSERT INTO t VALUES (2)`
        })).pipe(Effect.as(undefined))
      )
      assert.strictEqual(inside.reason._tag, "ConnectionError")
      assert.isTrue(inside.isRetryable)
      // The thread that is given up ends in its own time, and with it its lock.
      yield* sql`INSERT INTO t VALUES (3)`.pipe(
        Effect.retry({ while: (error) => error.isRetryable, schedule: Schedule.spaced("50 millis"), times: 100 })
      )
      assert.deepStrictEqual(yield* sql`SELECT a FROM t`.values, [[3]])
    }))

  it.live("goes on for others when one that waits is interrupted, in a transaction too", () =>
    Effect.gen(function*() {
      const sql = yield* client(join(yield* temporaryFolder, "geodns.db"))
      yield* sql`CREATE TABLE t (a INTEGER)`
      const slow = sql`WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 400000)
        SELECT COUNT(*) FROM s`
      const fiber = yield* Effect.forkChild(sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (1)`, slow)))
      yield* Effect.sleep("20 millis")
      yield* Fiber.interrupt(fiber)
      yield* sql.withTransaction(sql`INSERT INTO t VALUES (2)`)
      assert.deepStrictEqual(yield* sql`SELECT a FROM t`.values, [[2]])
    }))

  it("runs from the sources and does not keep a process that has nothing left to do", () => {
    const script = `
      import { Effect } from "effect"
      import { SqlClient } from "effect/sql"
      import { SqliteClient } from "${new URL("../../src/store/index.ts", import.meta.url).href}"
      const client = Effect.scoped(Effect.flatMap(SqliteClient.make({ filename: process.argv[1] }), (sql) => sql\`SELECT 7 AS a\`.values))
      const { Reactivity } = await import("effect/reactivity")
      console.log(JSON.stringify(await Effect.runPromise(Effect.provide(client, Reactivity.layer))))
    `
    const folder = mkdtempSync(join(tmpdir(), "geodns-store-"))
    try {
      const run = spawnSync(process.execPath, ["--input-type=module", "-e", script, join(folder, "a.db")], {
        encoding: "utf8",
        timeout: 20_000,
        cwd: new URL("../..", import.meta.url).pathname
      })
      assert.strictEqual(run.stdout, "[[7]]\n", run.stderr)
      assert.strictEqual(run.status, 0)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

// The lock of a file belongs to the operating system: waiting for it takes real time.
describe("two clients on one file", () => {
  const holding = (sql: SqlClient.SqlClient) =>
    Effect.gen(function*() {
      const locked = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const fiber = yield* sql.withTransaction(
        Effect.andThen(Deferred.succeed(locked, undefined), Deferred.await(release))
      ).pipe(Effect.forkChild)
      yield* Deferred.await(locked)
      return Effect.andThen(Deferred.succeed(release, undefined), Fiber.join(fiber))
    })

  it.live("wait for each other without blocking the event loop, and readers do not wait", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryFolder, "geodns.db")
      const one = yield* client(filename)
      const two = yield* client(filename)
      const three = yield* client(filename)
      yield* one`CREATE TABLE t (a INTEGER)`
      const release = yield* holding(one)
      const write = yield* Effect.forkChild(two`INSERT INTO t VALUES (1)`, { startImmediately: true })
      const transaction = yield* Effect.forkChild(two.withTransaction(two`INSERT INTO t VALUES (2)`))
      // While the others wait, this fiber goes on.
      for (let i = 0; i < 20; i++) yield* Effect.yieldNow
      assert.deepStrictEqual(yield* three`SELECT a FROM t`.values, [])
      assert.isUndefined(write.pollUnsafe())
      yield* release
      yield* Fiber.join(write)
      yield* Fiber.join(transaction)
      assert.deepStrictEqual(yield* one`SELECT a FROM t ORDER BY a`.values, [[1], [2]])
    }))

  it.live("give up after the busy timeout with an error worth another try", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryFolder, "geodns.db")
      const one = yield* client(filename)
      const two = yield* client(filename, { busyTimeout: "20 millis" })
      const release = yield* holding(one)
      const error = yield* Effect.flip(two`CREATE TABLE t (a INTEGER)`)
      assert.strictEqual(error.reason._tag, "LockTimeoutError")
      assert.isTrue(error.isRetryable)
      yield* release
      yield* two`CREATE TABLE t (a INTEGER)`
    }))

  it.live("open one outage of a target between them, whichever comes first", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryFolder, "geodns.db")
      // Both bring the new database to its tables at the same time.
      const stores = yield* Effect.all(
        [1, 2].map(() =>
          Effect.map(
            Layer.build(Layer.fresh(Store.layerSqlite({ filename }))),
            (context) => OutageStore.pipe(Effect.provide(context))
          ).pipe(Effect.flatten)
        ),
        { concurrency: "unbounded" }
      )
      for (let round = 0; round < 10; round++) {
        const results = yield* Effect.forEach(
          stores,
          (store, i) => Effect.result(store.open(outage(`r${round}-${i}`, { start: march + round * minute }))),
          { concurrency: "unbounded" }
        )
        assert.sameMembers(results.map((it) => it._tag), ["Success", "Failure"])
        for (const it of results) {
          if (it._tag === "Failure") assert.strictEqual(it.failure.reason._tag, "AlreadyOpen")
        }
        const open = yield* Stream.runCollect(stores[round % 2]!.find({ open: true }))
        assert.lengthOf(open, 1)
        const closed = yield* Effect.forEach(
          stores,
          (store) => store.close(open[0]!.id, march + round * minute + 1, true),
          { concurrency: "unbounded" }
        )
        assert.sameMembers(closed, [true, false])
      }
      assert.lengthOf(yield* Stream.runCollect(stores[0]!.find({ target: target() })), 10)
    }))
})
