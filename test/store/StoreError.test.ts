import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Random } from "effect"
import { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import { Migrations, SqliteClient } from "../../src/store/index.ts"
import { classify, commitUnknown } from "../../src/store/mysqlError.ts"
import { AlreadyOpen, databaseError, retryDeadlocks, StoreError } from "../../src/store/StoreError.ts"

describe("StoreError", () => {
  it("says what could not be done and why, and the why alone for those who have said the rest", () => {
    const error = databaseError("read usage")(
      new SqlError.SqlError({
        reason: new SqlError.ConnectionError({ cause: undefined, message: "the server is gone" })
      })
    )
    assert.strictEqual(error.message, "cannot read usage: the server is gone")
    assert.strictEqual(error.problem, "the server is gone")
    const open = new StoreError({ operation: "store an outage", reason: new AlreadyOpen({ target: "m1 ping" }) })
    assert.strictEqual(open.message, "cannot store an outage: another outage of m1 ping is open")
  })

  it("is worth another try when the connection or the answer to a COMMIT is lost, and not when the database refused", () => {
    const lost = { code: "PROTOCOL_CONNECTION_LOST", message: "gone" }
    const unknown = commitUnknown(lost)
    assert.isFalse(unknown.isRetryable)
    assert.isTrue(databaseError("store usage")(unknown).isRetryable)
    const of = (cause: unknown) =>
      databaseError("store usage")(new SqlError.SqlError({ reason: classify(cause, "execute a statement") }))
    assert.isTrue(of(lost).isRetryable)
    for (const errno of [1406, 1153]) {
      // The server says it, and then closes the connection.
      const refused = of({ errno, code: "ER_SOME", fatal: true, sqlMessage: "too large" })
      assert.isFalse(refused.isRetryable, String(errno))
      assert.strictEqual(refused.reason._tag === "Database" && refused.reason.error.reason._tag, "ConstraintError")
    }
    assert.isFalse(
      new StoreError({ operation: "store an outage", reason: new AlreadyOpen({ target: "m1" }) }).isRetryable
    )
  })

  it.effect("of a deadlock is tried again ten times, at moments that two who lose do not share", () =>
    Effect.gen(function*() {
      const deadlock = new SqlError.SqlError({
        reason: new SqlError.DeadlockError({ cause: undefined, message: "Deadlock found" })
      })
      const momentsOf = Effect.fnUntraced(function*(seed: string) {
        const moments: Array<number> = []
        const began = yield* Clock.currentTimeMillis
        const attempt = Effect.andThen(
          Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sync(() => moments.push(now - began))),
          Effect.fail(deadlock)
        )
        const fiber = yield* Effect.forkChild(Effect.flip(retryDeadlocks(attempt)).pipe(Random.withSeed(seed)))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* Fiber.join(fiber), deadlock)
        return moments
      })
      const [one, other] = [yield* momentsOf("one"), yield* momentsOf("other")]
      assert.deepStrictEqual([one.length, other.length], [11, 11])
      assert.isAbove(one.filter((at, i) => at !== other[i]).length, 5)
      assert.isBelow(one.at(-1) ?? Infinity, 2_000)
    }))

  it.effect("of tables that are missing reads as a sentence", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Migrations.check)
      assert.match(
        error.message,
        /^cannot use the database: it does not have the tables of this version yet: geodns store /
      )
    }).pipe(Effect.provide(SqliteClient.layer({ filename: ":memory:" }))))
})
