import { assert, describe, it } from "@effect/vitest"
import {
  Config,
  ConfigProvider,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Metric,
  Redacted,
  Schedule,
  Scope,
  Stream
} from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { createServer, type Socket } from "node:net"
import { afterAll, beforeAll } from "vitest"
import { MysqlClient } from "../../src/store/index.ts"
import { connections, connectionsLost } from "../../src/store/statementMetrics.ts"
import { MariaDb } from "../servers/MariaDb.ts"
import { describeWith, mariadb } from "../servers/Server.ts"

const client = (config: MysqlClient.MysqlClientConfig) =>
  Effect.map(
    Layer.build(Layer.fresh(MysqlClient.layer(config))),
    (context) => SqlClient.SqlClient.pipe(Effect.provide(context))
  ).pipe(Effect.flatten)

const reasonOf = <A, R>(effect: Effect.Effect<A, SqlError.SqlError, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

const nowhere: MysqlClient.MysqlClientConfig = {
  host: "127.0.0.1",
  port: 1,
  database: "geodns",
  username: "geodns",
  password: Redacted.make("a secret word")
}

describe("MysqlClient without a server", () => {
  it.live("stands, and each statement fails with an error worth another try that shows no password", () =>
    Effect.gen(function*() {
      const sql = yield* client(nowhere)
      const error = yield* Effect.flip(sql`SELECT 1`)
      assert.strictEqual(error.reason._tag, "ConnectionError")
      assert.isTrue(error.isRetryable)
      assert.include(error.message, "geodns at 127.0.0.1:1")
      assert.include(error.message, "check that the server runs")
      assert.notInclude(JSON.stringify(error) + String(error.reason.cause), "secret")
      assert.strictEqual((yield* reasonOf(sql.withTransaction(sql`SELECT 1`)))._tag, "ConnectionError")
      assert.strictEqual((yield* reasonOf(Stream.runDrain(sql`SELECT 1`.stream)))._tag, "ConnectionError")
    }))

  it.live("gives up on a server that accepts connections and says nothing", () =>
    Effect.gen(function*() {
      const sockets: Array<Socket> = []
      const server = createServer((socket) => void sockets.push(socket))
      const port = yield* Effect.callback<number>((resume) => {
        server.listen(
          0,
          "127.0.0.1",
          () => resume(Effect.succeed((server.address() as { readonly port: number }).port))
        )
      })
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          for (const socket of sockets) socket.destroy()
          server.close()
        })
      )
      const sql = yield* client({ ...nowhere, port, connectTimeout: "100 millis" })
      assert.strictEqual((yield* reasonOf(sql`SELECT 1`))._tag, "ConnectionError")
    }))

  it.live("takes its options from Config", () =>
    Effect.gen(function*() {
      const layer = MysqlClient.layerConfig({
        host: Config.String("HOST"),
        port: Config.Port("PORT"),
        database: Config.succeed("geodns"),
        username: Config.succeed("geodns"),
        password: Config.Redacted("PASSWORD")
      })
      const ask = SqlClient.SqlClient.use((sql) => sql`SELECT 1`).pipe(Effect.provide(layer))
      const given = ConfigProvider.fromUnknown({ HOST: "127.0.0.1", PORT: "1", PASSWORD: "x" })
      const error = yield* Effect.flip(Effect.provide(ask, ConfigProvider.layer(given)))
      assert.strictEqual(error._tag, "SqlError")
      const missing = yield* Effect.flip(Effect.provide(ask, ConfigProvider.layer(ConfigProvider.fromUnknown({}))))
      assert.strictEqual(missing._tag, "ConfigError")
    }))
})

describeWith(mariadb, "MysqlClient with MariaDB", () => {
  let server: MariaDb
  beforeAll(async () => {
    server = await MariaDb.create({ timeZone: "-07:00" })
  }, 60_000)
  afterAll(() => server.destroy())

  const fresh = (over: Partial<MysqlClient.MysqlClientConfig> = {}) =>
    Effect.gen(function*() {
      yield* Effect.promise(() => server.start())
      yield* Effect.promise(() => server.query("DROP TABLE IF EXISTS t"))
      return yield* client({ ...server.connection(), ...over })
    })
  const alive = (sql: SqlClient.SqlClient) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* sql`SELECT 1 AS a`.values, [[1]])
    })

  it.live("gives the values that SQLite gives, in UTC whatever the server is set to", () =>
    Effect.gen(function*() {
      const sql = yield* fresh()
      yield* sql`CREATE TABLE t (a TEXT, n BIGINT UNSIGNED, d DATE, at DATETIME(3), j JSON, b VARBINARY(9))`
      const at = new Date("2026-03-01T00:00:00.007Z")
      yield* sql`INSERT INTO t ${
        sql.insert([{
          a: `it's "?" \\ ?? \n 🛰️`,
          n: 5n,
          d: "2026-03-01",
          at,
          j: `{"a": 1}`,
          b: new Uint8Array([0, 255])
        }, {
          a: null,
          n: true,
          d: undefined,
          at: "2026-03-01 00:00:00.000",
          j: null,
          b: null
        }])
      }`
      const rows = yield* sql`SELECT * FROM t`
      const plain = rows.map((row): unknown => ({ ...row, b: row["b"] === null ? null : [...row["b"] as Buffer] }))
      assert.deepStrictEqual(plain, [
        { a: `it's "?" \\ ?? \n 🛰️`, n: 5, d: "2026-03-01", at: "2026-03-01 00:00:00.007", j: `{"a": 1}`, b: [0, 255] },
        { a: null, n: 1, d: null, at: "2026-03-01 00:00:00.000", j: null, b: null }
      ])
      const [now] = yield* sql<
        { readonly utc: number }
      >`SELECT ABS(TIMESTAMPDIFF(SECOND, NOW(), UTC_TIMESTAMP())) AS utc`
      assert.strictEqual(now?.utc, 0)
      assert.deepStrictEqual(yield* Effect.map(Stream.runCollect(sql`SELECT n, at FROM t`.stream), (all) => all[0]), {
        n: 5,
        at: "2026-03-01 00:00:00.007"
      })
    }))

  it.live("refuses values that a statement would be taken apart by", () =>
    Effect.gen(function*() {
      const sql = yield* fresh()
      for (const value of [{ a: 1 }, ["a"], NaN, Infinity, Symbol("x")]) {
        assert.strictEqual((yield* reasonOf(sql.unsafe("SELECT ?", [value])))._tag, "UnknownError")
      }
      assert.strictEqual((yield* reasonOf(sql`SELECT 1; SELECT 2`))._tag, "SqlSyntaxError")
      yield* alive(sql)
    }))

  it.live("sorts errors into their reasons", () =>
    Effect.gen(function*() {
      const sql = yield* fresh()
      yield* sql`CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(2) NOT NULL, UNIQUE KEY t_b (b), CHECK (a < 100))`
      yield* sql`INSERT INTO t VALUES (1, 'x')`
      const unique = yield* reasonOf(sql`INSERT INTO t VALUES (2, 'x')`)
      assert.strictEqual(unique._tag === "UniqueViolation" && unique.constraint, "t_b")
      for (const values of ["(3, NULL)", "(3, 'long')", "(300, 'y')", "('text', 'y')"]) {
        assert.strictEqual((yield* reasonOf(sql.unsafe(`INSERT INTO t VALUES ${values}`)))._tag, "ConstraintError")
      }
      assert.strictEqual((yield* reasonOf(sql`SELEKT 1`))._tag, "SqlSyntaxError")
      assert.strictEqual((yield* reasonOf(sql`SELECT * FROM nowhere`))._tag, "SqlSyntaxError")
      yield* Effect.promise(() => server.query("CREATE USER IF NOT EXISTS poor@'%' IDENTIFIED BY 'right'"))
      const wrong = { ...server.connection(), username: "poor" }
      const denied = yield* reasonOf((yield* client({ ...wrong, password: Redacted.make("wrong") }))`SELECT 1`)
      assert.strictEqual(denied._tag, "AuthenticationError")
      const forbidden = yield* reasonOf((yield* client({ ...wrong, password: Redacted.make("right") }))`SELECT 1`)
      assert.strictEqual(forbidden._tag, "AuthorizationError")
      const absent = yield* reasonOf((yield* client({ ...server.connection(), database: "absent" }))`SELECT 1`)
      assert.include(absent.message ?? "", "create the database")
    }))

  it.live("tells a statement that is larger than the server takes, which is not worth another try", () =>
    Effect.gen(function*() {
      const sql = yield* fresh()
      const [limit] = yield* sql<{ readonly bytes: number }>`SELECT @@max_allowed_packet AS bytes`
      const large = "x".repeat((limit?.bytes ?? 0) + 1_000)
      const error = yield* Effect.flip(sql`SELECT LENGTH(${large}) AS n`)
      assert.strictEqual(error.reason._tag, "ConstraintError")
      assert.isFalse(error.isRetryable)
      assert.include(error.message, "max_allowed_packet")
      yield* alive(sql)
    }))

  it.live("tells a deadlock and a lock that is held, both worth another try", () =>
    Effect.gen(function*() {
      const sql = yield* fresh()
      yield* sql`CREATE TABLE t (a INT PRIMARY KEY, n INT)`
      yield* sql`INSERT INTO t VALUES (1, 0), (2, 0)`
      const cross = (first: number, second: number) =>
        sql.withTransaction(Effect.gen(function*() {
          yield* sql`UPDATE t SET n = n + 1 WHERE a = ${first}`
          yield* Effect.sleep("100 millis")
          yield* sql`UPDATE t SET n = n + 1 WHERE a = ${second}`
        }))
      const exits = yield* Effect.all([Effect.result(cross(1, 2)), Effect.result(cross(2, 1))], { concurrency: 2 })
      const failed = exits.flatMap((exit) => exit._tag === "Failure" ? [exit.failure] : [])
      assert.deepStrictEqual(failed.map((error) => [error.reason._tag, error.isRetryable]), [["DeadlockError", true]])
      assert.deepStrictEqual(yield* sql`SELECT n FROM t`.values, [[1], [1]])
      // Nested, the outer transaction catches the error and goes on: nothing of it may be committed in halves.
      yield* sql.withTransaction(
        Effect.gen(function*() {
          yield* sql`SET SESSION innodb_lock_wait_timeout = 1`
          const holder = yield* client(server.connection())
          yield* holder.withTransaction(Effect.gen(function*() {
            yield* holder`UPDATE t SET n = 9 WHERE a = 1`
            assert.strictEqual((yield* reasonOf(sql`UPDATE t SET n = 8 WHERE a = 1`))._tag, "LockTimeoutError")
          }))
        }).pipe(Effect.scoped)
      )
    }))

  it.live("a connection lost inside a transaction is an error, not a defect, and the next statement has a new one", () =>
    Effect.gen(function*() {
      const sql = yield* fresh()
      yield* sql`CREATE TABLE t (a INT PRIMARY KEY)`
      const exit = yield* Effect.exit(sql.withTransaction(Effect.gen(function*() {
        yield* sql`INSERT INTO t VALUES (1)`
        const [id] = yield* sql<{ readonly id: number }>`SELECT CONNECTION_ID() AS id`
        yield* Effect.promise(() => server.query(`KILL ${id!.id}`))
        yield* sql`INSERT INTO t VALUES (2)`
      })))
      assert.isTrue(Exit.isFailure(exit))
      const error = yield* Effect.flip(Effect.sandbox(exit)).pipe(Effect.map((cause) => cause.reasons))
      assert.deepStrictEqual(error.map((reason) => reason._tag), ["Fail"])
      assert.deepStrictEqual(yield* sql`SELECT a FROM t`.values, [])
      // Savepoints, too.
      const nested = yield* Effect.exit(sql.withTransaction(Effect.andThen(
        sql`SELECT 1`,
        sql.withTransaction(Effect.gen(function*() {
          const [id] = yield* sql<{ readonly id: number }>`SELECT CONNECTION_ID() AS id`
          yield* Effect.promise(() => server.query(`KILL ${id!.id}`))
          yield* sql`INSERT INTO t VALUES (3)`
        }))
      )))
      assert.isTrue(Exit.isFailure(nested))
      yield* alive(sql)
    }))

  it.live("an interrupted statement or transaction frees its connection, and leaves nothing", () =>
    Effect.gen(function*() {
      const sql = yield* fresh({ maxConnections: 1 })
      yield* sql`CREATE TABLE t (a INT PRIMARY KEY)`
      const fiber = yield* Effect.forkChild(
        sql.withTransaction(Effect.andThen(sql`INSERT INTO t VALUES (1)`, sql`SELECT SLEEP(20)`))
      )
      yield* Effect.sleep("200 millis")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* sql`SELECT a FROM t`.values, [])
    }))

  it.live("a statement that takes too long fails by its deadline, and the pool goes on", () =>
    Effect.gen(function*() {
      const sql = yield* fresh({ statementTimeout: "300 millis", maxConnections: 2 })
      const began = performance.now()
      const slow = yield* reasonOf(sql`SELECT SLEEP(20)`)
      assert.strictEqual(slow._tag, "StatementTimeoutError")
      assert.isBelow(performance.now() - began, 3_000)
      yield* sql`SELECT SLEEP(0.5)`.pipe(Effect.provideService(MysqlClient.StatementTimeout, Duration.seconds(5)))
      yield* alive(sql)
    }))

  it.live("a server that hangs holds up nobody beyond the deadline, also in a transaction, and is used again after", () =>
    Effect.gen(function*() {
      const sql = yield* fresh({ statementTimeout: "300 millis", connectTimeout: "300 millis" })
      yield* sql`CREATE TABLE t (a INT PRIMARY KEY)`
      yield* alive(sql)
      yield* Effect.addFinalizer(() => Effect.sync(() => server.resume()))
      const inside = yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`INSERT INTO t VALUES (1)`
        server.pause()
      })).pipe(Effect.flip)
      assert.isTrue(MysqlClient.isOutcomeUnknown(inside))
      assert.isFalse(inside.isRetryable)
      const began = performance.now()
      const reasons = yield* Effect.all(
        Array.from({ length: 25 }, () => Effect.result(sql`SELECT 1`)),
        { concurrency: "unbounded" }
      )
      assert.isTrue(reasons.every((it) => it._tag === "Failure" && it.failure.isRetryable))
      assert.isBelow(performance.now() - began, 5_000)
      server.resume()
      yield* alive(sql)
    }))

  it.live("a COMMIT that nobody confirmed is typed and not retryable; a connection lost before it is retryable", () =>
    Effect.gen(function*() {
      const sql = yield* fresh({ statementTimeout: "500 millis" })
      yield* sql`CREATE TABLE t (a INT PRIMARY KEY)`
      const lost = yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`INSERT INTO t VALUES (1)`
        const [id] = yield* sql<{ readonly id: number }>`SELECT CONNECTION_ID() AS id`
        yield* Effect.promise(() => server.query(`KILL ${id!.id}`))
        // The socket has told by now.
        yield* Effect.sleep("100 millis")
      })).pipe(Effect.flip)
      assert.isFalse(MysqlClient.isOutcomeUnknown(lost))
      assert.isTrue(lost.isRetryable)
      assert.deepStrictEqual(yield* sql`SELECT a FROM t`.values, [])
    }))

  it.live("kill -9 of the server: errors, and the same client works when it is back", () =>
    Effect.gen(function*() {
      const sql = yield* fresh()
      yield* alive(sql)
      yield* Effect.promise(() => server.kill())
      assert.strictEqual((yield* reasonOf(sql`SELECT 1`))._tag, "ConnectionError")
      yield* Effect.promise(() => server.start())
      yield* alive(sql)
    }))

  it.live("count the connections that are open, of all pools, also when the server goes and nobody asks for one", () =>
    Effect.gen(function*() {
      const open = Effect.map(Metric.value(connections), ({ value }) => value)
      const becomes = (wanted: number) =>
        open.pipe(
          Effect.flatMap((value) => value === wanted ? Effect.void : Effect.fail(value)),
          Effect.retry({ times: 50, schedule: Schedule.spaced("100 millis") })
        )
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(fresh(), scope)
      const second = yield* Scope.provide(fresh(), scope)
      assert.strictEqual(yield* open, 0)
      yield* Effect.all([first`SELECT SLEEP(0.2)`, first`SELECT SLEEP(0.2)`, alive(second)], { concurrency: 3 })
      assert.strictEqual(yield* open, 3)
      yield* Effect.promise(() => server.kill())
      yield* becomes(0)
      assert.strictEqual((yield* Metric.value(connectionsLost)).count, 3)
      yield* Effect.promise(() => server.start())
      yield* alive(first)
      assert.strictEqual(yield* open, 1)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* open, 0)
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))

  it.live("streams a large result with flat memory while the reader is slow, and stops when it does", () =>
    Effect.gen(function*() {
      const sql = yield* fresh({ maxConnections: 1 })
      const rows = sql<{ readonly n: number; readonly fill: string }>`
        SELECT seq AS n, REPEAT('x', 1000) AS fill FROM seq_1_to_200000`.stream
      const before = process.memoryUsage().rss
      let peak = 0
      const count = yield* Stream.runFoldEffect(rows, () => 0, (count, row) => {
        assert.strictEqual(row.n, count + 1)
        if (count % 20_000 !== 0) return Effect.succeed(count + 1)
        peak = Math.max(peak, process.memoryUsage().rss)
        return Effect.as(Effect.sleep("50 millis"), count + 1)
      })
      assert.strictEqual(count, 200_000)
      // All of it would be 200 MB and more.
      assert.isBelow(peak - before, 130e6)
      assert.lengthOf(yield* Stream.runCollect(Stream.take(rows, 3)), 3)
      yield* alive(sql)
      assert.strictEqual((yield* reasonOf(Stream.runDrain(sql`SELECT * FROM nowhere`.stream)))._tag, "SqlSyntaxError")
      yield* alive(sql)
      const killed = yield* Effect.flip(
        Stream.runForEach(rows, (row) => row.n === 1_000 ? Effect.promise(() => server.kill()) : Effect.void)
      )
      assert.strictEqual(killed.reason._tag, "ConnectionError")
      yield* Effect.promise(() => server.start())
      yield* alive(sql)
    }))

  it.live("ends within its time also when the server hangs, and leaves no connection behind", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const sql = yield* Scope.provide(fresh({ shutdownTimeout: "300 millis" }), scope)
      yield* Effect.all([alive(sql), alive(sql), alive(sql)], { concurrency: 3 })
      const busy = yield* Effect.forkChild(Effect.exit(sql`SELECT SLEEP(20)`), { startImmediately: true })
      yield* Effect.sleep("100 millis")
      yield* Effect.addFinalizer(() => Effect.sync(() => server.resume()))
      server.pause()
      const began = performance.now()
      yield* Scope.close(scope, Exit.void)
      assert.isBelow(performance.now() - began, 2_000)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(busy)))
      server.resume()
      assert.strictEqual((yield* reasonOf(sql`SELECT 1`))._tag, "ConnectionError")
      const left = Effect.promise(() =>
        server.query<{ readonly n: number }>(
          "SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE DB = 'geodns'"
        )
      )
      yield* left.pipe(
        // The one that asks is among them.
        Effect.flatMap((rows) => rows[0]!.n <= 1 ? Effect.void : Effect.fail(rows[0]!.n)),
        Effect.retry({ times: 100, schedule: Schedule.spaced("50 millis") })
      )
    }))
})
